import { useTranslation } from "react-i18next";

import type { Key } from "~/i18n/key";

const WORDS: Record<string, Key> = {
  encoding_unsure: "warning.encodingUnsure",
  encoding_mistakes: "warning.encodingMistakes",
  text_lost: "warning.textLost",
  hidden_left_out: "warning.hiddenLeftOut",
  hidden_kept: "warning.hiddenKept",
  hidden_unsure: "warning.hiddenUnsure",
  parts_left_out: "warning.partsLeftOut",
  pages_without_text: "warning.pagesWithoutText",
  formulas_without_values: "warning.formulasWithoutValues",
  text_recognised: "warning.textRecognised",
  recognition_unsure: "warning.recognitionUnsure",
};

/** Remarks on how a document was read; the server's own words, with figures, come when pointed at. */
export function Warnings({ warnings }: { warnings: Record<string, string>[] }) {
  const { t } = useTranslation();
  if (warnings.length === 0) return null;
  return (
    <ul aria-label={t("warning.label")} className="mt-1 space-y-0.5 text-sm text-doubt">
      {warnings.map(({ code = "", message = "" }) => {
        const words = WORDS[code];
        return (
          <li key={code} className="wrap-anywhere" title={message}>
            {words === undefined ? message : t(words as "warning.label")}
          </li>
        );
      })}
    </ul>
  );
}
