import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api } from "~/api/client";
import { Dialog } from "~/ui/dialog";
import { TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { notify } from "~/ui/notices";

/** The password of the person who is signed in; all their other sessions end with a new one. */
export function ChangePassword() {
  const { t } = useTranslation();
  const [isChanging, setIsChanging] = useState(false);
  return (
    <section>
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("account.password")}</h2>
      <p className="mb-3 text-soft">{t("password.about")}</p>
      <button type="button" className="button button-line" onClick={() => setIsChanging(true)}>{t("password.heading")}</button>
      {isChanging && <PasswordDialog onClose={() => setIsChanging(false)} />}
    </section>
  );
}

function PasswordDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [former, setFormer] = useState("");
  const [next, setNext] = useState("");
  async function send(): Promise<void> {
    await api.POST("/api/v1/auth/password", { body: { old_password: former, new_password: next } });
    notify(t("password.changed"));
    onClose();
  }
  return (
    <Dialog heading={t("password.heading")} onClose={onClose}>
      <Form action={t("action.save")} onSend={send}>
        <TextField label={t("password.former")} type="password" autoComplete="current-password" value={former} onChange={setFormer} />
        <TextField label={t("password.next")} hint={t("account.passwordHint")} type="password" autoComplete="new-password" value={next} onChange={setNext} />
      </Form>
    </Dialog>
  );
}
