import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import { moment } from "~/kit/format";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { notify } from "~/ui/notices";
import { ProblemNote } from "~/ui/problem-note";

import { hasPasskeys, makePasskey } from "./passkey";

/** The passkeys of the person who is signed in. */
export function Passkeys() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const attempt = useAttempt();
  const [isMaking, setIsMaking] = useState(false);
  const { data: known, error } = useQuery({ queryKey: ["passkeys"], queryFn: () => data(api.GET("/api/v1/auth/passkeys")) });
  if (error !== null) return <ProblemNote problem={asProblem(error)} />;
  if (known === undefined) return <div className="skeleton h-24" />;
  const refresh = () => queries.invalidateQueries({ queryKey: ["passkeys"] });

  async function remove(passkey_id: string): Promise<void> {
    await attempt(() => api.DELETE("/api/v1/auth/passkeys/{passkey_id}", { params: { path: { passkey_id } } }));
    await refresh();
  }

  return (
    <section>
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("passkey.title")}</h2>
      <p className="mb-3 text-soft">{t("passkey.about")}</p>
      <ul className="mb-3 divide-y divide-line">
        {known.data.map((each) => (
          <li key={each.id} className="flex flex-wrap items-center justify-between gap-2 py-2">
            <span className="min-w-0">
              <span className="block font-medium wrap-anywhere">{each.name || t("passkey.unnamed")}</span>
              <span className="block text-sm text-soft">{each.last_used_at === null ? t("passkey.unused") : t("passkey.used", { when: moment(each.last_used_at) })}</span>
            </span>
            <button type="button" className="button button-bare text-sm text-bad" onClick={() => void remove(each.id)}>{t("grant.remove")}</button>
          </li>
        ))}
      </ul>
      {hasPasskeys() ? <button type="button" className="button button-line" onClick={() => setIsMaking(true)}>{t("passkey.add")}</button> : <p className="text-sm text-soft">{t("passkey.notHere")}</p>}
      {isMaking && <MakePasskey onClose={() => setIsMaking(false)} onMade={refresh} />}
    </section>
  );
}

/** Asks for all that one signs in with: a code too, where there is a second factor. */
function MakePasskey({ onClose, onMade }: { onClose: () => void; onMade: () => Promise<void> }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const { data: factor } = useQuery({ queryKey: ["factor"], queryFn: () => data(api.GET("/api/v1/auth/second-factor")) });
  const hasFactor = factor !== undefined && factor.since !== null;
  async function make(): Promise<void> {
    const offer = await data(api.POST("/api/v1/auth/passkeys/options", { body: { password, code: hasFactor ? code.trim() : null } }));
    const credential = await makePasskey(offer);
    if (credential === null) {
      notify(t("passkey.cancelled"));
      return;
    }
    await api.POST("/api/v1/auth/passkeys", { body: { ceremony: offer.ceremony, name: name.trim(), credential } });
    await onMade();
    notify(t("passkey.made"));
    onClose();
  }
  return (
    <Dialog heading={t("passkey.add")} onClose={onClose}>
      <Form action={t("factor.next")} onSend={make}>
        <TextField label={t("passkey.name")} hint={t("passkey.nameHint")} isOptional maxLength={200} value={name} onChange={setName} />
        <TextField label={t("account.password")} hint={t("passkey.passwordHint")} type="password" autoComplete="current-password" isOptional value={password} onChange={setPassword} />
        {hasFactor && <TextField label={t("factor.code")} hint={t("factor.codeHint")} autoComplete="one-time-code" value={code} onChange={setCode} />}
      </Form>
    </Dialog>
  );
}
