import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { SecondFactorOffer } from "~/api/schemas";
import { moment } from "~/kit/format";
import { Dialog } from "~/ui/dialog";
import { TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { notify } from "~/ui/notices";
import { ProblemNote } from "~/ui/problem-note";

/** The QR code to set up an authenticator app. The server drew the picture: nobody else learns of it. */
export function AppPicture({ offer }: { offer: SecondFactorOffer }) {
  const { t } = useTranslation();
  return (
    <span className="block space-y-3">
      <span className="block">{t("factor.scan")}</span>
      <img className="size-52 rounded-lg bg-white" alt={t("factor.picture")} src={`data:image/svg+xml;utf8,${encodeURIComponent(offer.picture)}`} />
      <span className="block text-sm">
        {t("factor.type")} <code className="font-mono break-all">{offer.secret.replace(/(.{4})(?=.)/g, "$1 ")}</code>
      </span>
    </span>
  );
}

export function RecoveryCodes({ codes }: { codes: readonly string[] }) {
  const { t } = useTranslation();
  return (
    <>
      <p className="mb-3">{t("factor.codesHint")}</p>
      <pre className="overflow-auto rounded-lg bg-wash p-3 text-sm" tabIndex={0}>{codes.join("\n")}</pre>
    </>
  );
}

type Open = "offer" | "renew" | "remove" | null;

/** The second factor of the person who is signed in: set up, recovery codes, removed. */
export function SecondFactor() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data: factor, error } = useQuery({ queryKey: ["factor"], queryFn: () => data(api.GET("/api/v1/auth/second-factor")) });
  const [open, setOpen] = useState<Open>(null);
  const [offer, setOffer] = useState<SecondFactorOffer | null>(null);
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  if (error !== null) return <ProblemNote problem={asProblem(error)} />;
  if (factor === undefined) return <div className="skeleton h-24" />;

  function close(): void {
    setOpen(null);
    setOffer(null);
    void queries.invalidateQueries({ queryKey: ["factor"] });
  }

  return (
    <section>
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("factor.title")}</h2>
      <p className="mb-3 text-soft">{t("factor.about")}</p>
      <p className="mb-3">
        {factor.since === null ? t(factor.is_required ? "factor.required" : "factor.off") : t("factor.on", { when: moment(factor.since), count: factor.recovery_codes_left })}
      </p>
      <div className="flex flex-wrap gap-3">
        {factor.since === null && <button type="button" className="button button-main" onClick={() => setOpen("offer")}>{t("factor.setUp")}</button>}
        {factor.since !== null && <button type="button" className="button button-line" onClick={() => setOpen("renew")}>{t("factor.renew")}</button>}
        {factor.since !== null && !factor.is_required && <button type="button" className="button button-line" onClick={() => setOpen("remove")}>{t("factor.remove")}</button>}
      </div>
      {open === "offer" && (
        <Dialog heading={t("factor.setUp")} onClose={close}>
          {offer === null ? (
            <PasswordForm onSend={async (password) => setOffer(await data(api.POST("/api/v1/auth/second-factor", { body: { password } })))} />
          ) : (
            <CodeForm
              offer={offer}
              onSend={async (code) => {
                const made = await data(api.POST("/api/v1/auth/second-factor/confirm", { body: { code } }));
                close();
                setCodes(made.recovery_codes);
              }}
            />
          )}
        </Dialog>
      )}
      {open === "renew" && (
        <Dialog heading={t("factor.renew")} onClose={close}>
          <ProofForm
            onSend={async (body) => {
              const made = await data(api.POST("/api/v1/auth/second-factor/recovery-codes", { body }));
              close();
              setCodes(made.recovery_codes);
            }}
          />
        </Dialog>
      )}
      {open === "remove" && (
        <Dialog heading={t("factor.remove")} onClose={close}>
          <ProofForm
            onSend={async (body) => {
              await api.POST("/api/v1/auth/second-factor/remove", { body });
              notify(t("factor.removed"));
              close();
            }}
          />
        </Dialog>
      )}
      {codes !== null && (
        <Dialog heading={t("factor.codes")} onClose={() => setCodes(null)}>
          <RecoveryCodes codes={codes} />
        </Dialog>
      )}
    </section>
  );
}

function PasswordForm({ onSend }: { onSend: (password: string) => Promise<void> }) {
  const { t } = useTranslation();
  const [password, setPassword] = useState("");
  return (
    <Form action={t("factor.next")} onSend={() => onSend(password)}>
      <TextField label={t("account.password")} type="password" autoComplete="current-password" value={password} onChange={setPassword} />
    </Form>
  );
}

function CodeForm({ offer, onSend }: { offer: SecondFactorOffer; onSend: (code: string) => Promise<void> }) {
  const { t } = useTranslation();
  const [code, setCode] = useState("");
  return (
    <Form action={t("factor.turnOn")} onSend={() => onSend(code.trim())}>
      <p><AppPicture offer={offer} /></p>
      <TextField label={t("factor.code")} hint={t("factor.codeOfApp")} autoComplete="one-time-code" value={code} onChange={setCode} />
    </Form>
  );
}

function ProofForm({ onSend }: { onSend: (proofs: { password: string; code: string }) => Promise<void> }) {
  const { t } = useTranslation();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  return (
    <Form action={t("factor.next")} onSend={() => onSend({ password, code: code.trim() })}>
      <TextField label={t("account.password")} type="password" autoComplete="current-password" value={password} onChange={setPassword} />
      <TextField label={t("factor.code")} hint={t("factor.codeHint")} autoComplete="one-time-code" value={code} onChange={setCode} />
    </Form>
  );
}
