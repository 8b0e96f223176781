import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { Dialog } from "~/ui/dialog";
import { TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { notify } from "~/ui/notices";

import { waysIn } from "./session";

/** The address of the person who is signed in, and the way to another one where mail is sent. */
export function EmailAddress({ email }: { email: string }) {
  const { t } = useTranslation();
  const [isChanging, setIsChanging] = useState(false);
  const { data: ways } = useQuery({ queryKey: ["ways-in"], queryFn: waysIn });
  if (ways?.resets_passwords !== true) return null;
  return (
    <section>
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("account.email")}</h2>
      <p className="mb-3 text-soft">{t("email.about")}</p>
      <button type="button" className="button button-line" onClick={() => setIsChanging(true)}>{t("email.heading")}</button>
      {isChanging && <ChangeEmail former={email} onClose={() => setIsChanging(false)} />}
    </section>
  );
}

function ChangeEmail({ former, onClose }: { former: string; onClose: () => void }) {
  const { t } = useTranslation();
  const { data: factor } = useQuery({ queryKey: ["factor"], queryFn: () => data(api.GET("/api/v1/auth/second-factor")) });
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const hasFactor = factor !== undefined && factor.since !== null;
  async function send(): Promise<void> {
    const wanted = email.trim();
    await api.POST("/api/v1/auth/email", { body: { email: wanted, password, ...(hasFactor ? { code: code.trim() } : {}) } });
    notify(t("email.sent", { email: wanted }));
    onClose();
  }
  return (
    <Dialog heading={t("email.heading")} onClose={onClose}>
      <Form action={t("email.send")} onSend={send}>
        <p className="text-soft wrap-anywhere">{t("email.former", { email: former })}</p>
        <TextField label={t("email.new")} type="email" autoComplete="email" value={email} onChange={setEmail} />
        <TextField label={t("account.password")} type="password" autoComplete="current-password" value={password} onChange={setPassword} />
        {hasFactor && <TextField label={t("factor.code")} hint={t("factor.codeHint")} autoComplete="one-time-code" value={code} onChange={setCode} />}
      </Form>
    </Dialog>
  );
}
