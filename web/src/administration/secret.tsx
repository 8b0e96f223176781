import { useTranslation } from "react-i18next";

import { Dialog } from "~/ui/dialog";
import { Copy } from "~/ui/icons";
import { notify } from "~/ui/notices";

/** Something that is shown this once. */
export function Secret({ heading, hint, text, onClose }: { heading: string; hint: string; text: string; onClose: () => void }) {
  const { t } = useTranslation();
  async function copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      notify(t("secret.copied"));
    } catch {
      notify(t("ask.copyRefused"));
    }
  }
  return (
    <Dialog heading={heading} onClose={onClose}>
      <p className="mb-3">{hint}</p>
      <pre className="mb-3 overflow-auto rounded-lg bg-wash p-3 text-sm whitespace-pre-wrap wrap-anywhere" tabIndex={0}>{text}</pre>
      <button type="button" className="button button-main" onClick={() => void copy()}>
        <Copy />
        {t("secret.copy")}
      </button>
    </Dialog>
  );
}
