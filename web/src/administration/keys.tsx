import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { ApiKey } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { moment } from "~/kit/format";
import { useRights } from "~/session/rights";
import { UserName } from "~/sharing/names";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { CheckField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";

import { Secret } from "./secret";

const SCOPES = { read: "keys.read", write: "keys.write", admin: "keys.admin" } as const satisfies Record<string, Key>;
type Scope = keyof typeof SCOPES;

/** Keys of software: one's own, for administrators those of the organisation. */
export function Keys() {
  const { t } = useTranslation();
  const [isMaking, setIsMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <>
      <button type="button" className="button button-main mb-4" onClick={() => setIsMaking(true)}>
        <Plus />
        {t("keys.new")}
      </button>
      <Listing
        queryKey={["keys", "list"]}
        read={(query, signal) => data(api.GET("/api/v1/auth/api-keys", { params: { query }, signal }))}
        empty={t("keys.empty")}
        row={(key) => <Row apiKey={key} />}
      />
      {isMaking && <Maker onClose={() => setIsMaking(false)} onMade={setSecret} />}
      {secret !== null && <Secret heading={t("keys.made")} hint={t("keys.madeHint")} text={secret} onClose={() => setSecret(null)} />}
    </>
  );
}

function Row({ apiKey }: { apiKey: ApiKey }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const [isSure, setIsSure] = useState(false);
  const isOver = apiKey.revoked_at !== null || (apiKey.expires_at !== null && Date.parse(apiKey.expires_at) < Date.now());
  async function revoke(): Promise<void> {
    if (await attempt(() => api.DELETE("/api/v1/auth/api-keys/{key_id}", { params: { path: { key_id: apiKey.id } } }))) notify(t("keys.revoked", { name: apiKey.name }));
    await queries.invalidateQueries({ queryKey: ["keys"] });
  }
  const facts = [
    moment(apiKey.created_at),
    apiKey.last_used_at === null ? t("keys.unused") : t("keys.used", { when: moment(apiKey.last_used_at) }),
    apiKey.expires_at === null ? null : t("approval.until", { when: moment(apiKey.expires_at) }),
  ];
  return (
    <div className="flex flex-wrap items-start justify-between gap-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          <span className="wrap-anywhere">{apiKey.name}</span>
          {apiKey.scopes.map((scope) => <Badge key={scope}>{t((SCOPES[scope as Scope] ?? "keys.operator") as "keys.read")}</Badge>)}
          {isOver && <Badge tone="bad">{t("keys.over")}</Badge>}
        </p>
        <p className="text-sm text-soft wrap-anywhere">
          {facts.filter((fact) => fact !== null).join(" · ")} · {apiKey.user_id === null ? t("keys.service") : <UserName id={apiKey.user_id} />}
        </p>
      </div>
      {!isOver && (
        // Nothing makes a revoked key work again: asked twice.
        <button type="button" className="button button-bare text-sm text-bad" onBlur={() => setIsSure(false)} onClick={() => (isSure ? void revoke() : setIsSure(true))}>
          {t(isSure ? "keys.sure" : "keys.revoke")}
        </button>
      )}
    </div>
  );
}

function Maker({ onClose, onMade }: { onClose: () => void; onMade: (secret: string) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { isAdmin, isAtLeast } = useRights();
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<readonly Scope[]>(["read"]);
  const [days, setDays] = useState("90");
  const [isService, setIsService] = useState(false);
  async function make(): Promise<void> {
    const body = { name: name.trim(), scopes: [...scopes], ...(days === "" ? {} : { expires_in_days: Number(days) }), ...(isService ? { service: true } : {}) };
    const made = await data(api.POST("/api/v1/auth/api-keys", { body }));
    await queries.invalidateQueries({ queryKey: ["keys"] });
    onClose();
    onMade(made.key);
  }
  return (
    <Dialog heading={t("keys.new")} onClose={onClose}>
      <Form action={t("keys.make")} onSend={make} isDisabled={scopes.length === 0}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <fieldset>
          <legend className="mb-1 font-medium">{t("keys.scopes")}</legend>
          {(Object.keys(SCOPES) as Scope[]).filter((scope) => scope !== "admin" || isAdmin).map((scope) => (
            <CheckField key={scope} label={t(SCOPES[scope] as "keys.read")} isOn={scopes.includes(scope)} onChange={(isOn) => setScopes(isOn ? [...scopes, scope] : scopes.filter((each) => each !== scope))} />
          ))}
        </fieldset>
        <TextField label={t("keys.days")} hint={t("keys.daysHint")} type="number" min={1} max={3650} value={days} onChange={setDays} isOptional />
        {isAdmin && isAtLeast("director") && <CheckField label={t("keys.isService")} isOn={isService} onChange={setIsService} />}
      </Form>
    </Dialog>
  );
}
