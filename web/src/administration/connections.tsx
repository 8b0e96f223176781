import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Connection, ConnectionTest } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { number } from "~/kit/format";
import { ROLE_NAMES, ROLES, type RoleName } from "~/sharing/names";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { CheckField, ChoiceField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";
import { useAdvice } from "~/ui/problem-note";

const PROVIDERS = { openai: "OpenAI", anthropic: "Anthropic", ollama: "Ollama", "openai-compatible": "OpenAI-compatible" } as const;
type Provider = keyof typeof PROVIDERS;

const USES = { answer: "use.answer", rewrite: "use.rewrite", title: "use.title", verify: "use.verify", agent: "use.agent" } as const satisfies Record<string, Key>;
type Use = keyof typeof USES;
const ALL_USES = Object.keys(USES) as Use[];

const CHECKS: Record<ConnectionTest["checks"][number]["name"], Key> = {
  models: "check.models", text: "check.text", tools: "check.tools", structured_output: "check.structured",
};

/** The organisation's own model providers, each with a test. */
export function Connections() {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<Connection | "new" | null>(null);
  return (
    <>
      <button type="button" className="button button-main mb-4" onClick={() => setEdited("new")}>
        <Plus />
        {t("connections.new")}
      </button>
      <Listing
        queryKey={["connections", "list"]}
        read={(query, signal) => data(api.GET("/api/v1/connections", { params: { query }, signal }))}
        empty={t("connections.empty")}
        row={(connection) => <Row connection={connection} onEdit={() => setEdited(connection)} />}
      />
      {edited !== null && <Editor connection={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}

type Tested = { state: "idle" | "testing" } | { state: "tested"; result: ConnectionTest } | { state: "failed"; why: string };

function Row({ connection, onEdit }: { connection: Connection; onEdit: () => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const advice = useAdvice();
  const queries = useQueryClient();
  const [tested, setTested] = useState<Tested>({ state: "idle" });
  const [isSure, setIsSure] = useState(false);
  const params = { path: { connection_id: connection.id } };
  const refresh = () => queries.invalidateQueries({ queryKey: ["connections"] });

  async function test(): Promise<void> {
    setTested({ state: "testing" });
    try {
      setTested({ state: "tested", result: await data(api.POST("/api/v1/connections/{connection_id}/test", { params })) });
    } catch (error) {
      setTested({ state: "failed", why: advice(asProblem(error)) });
    }
  }

  async function turn(): Promise<void> {
    await attempt(() => api.PATCH("/api/v1/connections/{connection_id}", { params, body: { is_active: !connection.is_active } }));
    await refresh();
  }

  async function remove(): Promise<void> {
    if (await attempt(() => api.DELETE("/api/v1/connections/{connection_id}", { params }))) notify(t("connections.removed", { name: connection.name }));
    await refresh();
  }

  return (
    <>
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0">
          <p className="flex flex-wrap items-center gap-2 font-medium">
            <span className="wrap-anywhere">{connection.name}</span>
            <Badge tone={connection.is_active ? "good" : "plain"}>{t(connection.is_active ? "trigger.on" : "trigger.off")}</Badge>
          </p>
          <p className="text-sm text-soft wrap-anywhere">
            {[PROVIDERS[connection.provider as Provider] ?? connection.provider, connection.model, connection.base_url, connection.has_key ? t("connections.key", { hint: connection.key_hint ?? "" }) : null].filter((part) => part !== null).join(" · ")}
          </p>
          <p className="text-sm text-soft">{connection.uses.map((use) => t(USES[use] as "use.answer")).join(", ")}</p>
        </div>
        <div className="flex flex-wrap gap-1">
          <button type="button" className="button button-line text-sm" disabled={tested.state === "testing"} onClick={() => void test()}>{t(tested.state === "testing" ? "connections.testing" : "connections.test")}</button>
          <button type="button" className="button button-bare text-sm" onClick={onEdit}>{t("users.edit")}</button>
          <button type="button" className="button button-bare text-sm" onClick={() => void turn()}>{t(connection.is_active ? "trigger.turnOff" : "trigger.turnOn")}</button>
          {/* Its key goes with it: asked twice. */}
          <button type="button" className="button button-bare text-sm text-bad" onBlur={() => setIsSure(false)} onClick={() => (isSure ? void remove() : setIsSure(true))}>{t(isSure ? "connections.sure" : "grant.remove")}</button>
        </div>
      </div>
      <div role="status">
        {tested.state === "failed" && <p className="mt-2 text-sm text-bad wrap-anywhere">{tested.why}</p>}
        {tested.state === "tested" && <Result result={tested.result} />}
      </div>
    </>
  );
}

function Result({ result }: { result: ConnectionTest }) {
  const { t } = useTranslation();
  return (
    <div className="mt-2 rounded-lg bg-wash p-3 text-sm">
      <p className={`font-semibold ${result.ok ? "text-good" : "text-bad"}`}>
        {t(result.ok ? "connections.works" : "connections.fails")}
        {result.first_token_ms !== null && ` · ${t("connections.first", { milliseconds: number(result.first_token_ms) })}`}
      </p>
      <ul className="mt-1 space-y-0.5">
        {result.checks.map((check) => (
          <li key={check.name} className="wrap-anywhere">
            <span className={check.ok ? "text-good" : "text-bad"}>{t(check.ok ? "why.yes" : "why.no")}</span> {t(CHECKS[check.name] as "check.text")}
            {check.detail !== "" && <span className="text-soft">: {check.detail}</span>}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Editor({ connection, onClose }: { connection: Connection | null; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(connection?.name ?? "");
  const [provider, setProvider] = useState<Provider>((connection?.provider as Provider | undefined) ?? "openai-compatible");
  const [model, setModel] = useState(connection?.model ?? "");
  const [address, setAddress] = useState(connection?.base_url ?? "");
  const [key, setKey] = useState("");
  const [uses, setUses] = useState<readonly Use[]>(connection?.uses ?? ALL_USES);
  const [priority, setPriority] = useState(String(connection?.priority ?? 50));
  const [role, setRole] = useState<RoleName>(connection?.min_role ?? "guest");

  async function save(): Promise<void> {
    const body = {
      name: name.trim(), provider, model: model.trim(), base_url: address.trim() || null,
      uses: [...uses], priority: Number(priority), min_role: role, ...(key === "" ? {} : { api_key: key }),
    };
    await (connection === null
      ? api.POST("/api/v1/connections", { body })
      : api.PATCH("/api/v1/connections/{connection_id}", { params: { path: { connection_id: connection.id } }, body }));
    await queries.invalidateQueries({ queryKey: ["connections"] });
    notify(t("connections.saved"));
    onClose();
  }

  return (
    <Dialog heading={connection === null ? t("connections.new") : connection.name} onClose={onClose}>
      <Form action={t("action.save")} onSend={save} isDisabled={uses.length === 0}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <div className="grid gap-4 sm:grid-cols-2">
          <ChoiceField label={t("connections.provider")} value={provider} onChange={setProvider} options={(Object.keys(PROVIDERS) as Provider[]).map((value) => ({ value, name: PROVIDERS[value] }))} />
          <TextField label={t("connections.model")} value={model} onChange={setModel} maxLength={200} />
        </div>
        <TextField label={t("connections.address")} hint={t("connections.addressHint")} value={address} onChange={setAddress} isOptional={provider !== "openai-compatible"} />
        <TextField label={t("connections.secret")} hint={connection?.has_key === true ? t("connections.secretKept", { hint: connection.key_hint ?? "" }) : t("connections.secretHint")} type="password" autoComplete="new-password" value={key} onChange={setKey} isOptional />
        <fieldset>
          <legend className="mb-1 font-medium">{t("connections.uses")}</legend>
          <div className="grid gap-x-6 sm:grid-cols-2">
            {ALL_USES.map((use) => (
              <CheckField key={use} label={t(USES[use] as "use.answer")} isOn={uses.includes(use)} onChange={(isOn) => setUses(isOn ? [...uses, use] : uses.filter((each) => each !== use))} />
            ))}
          </div>
        </fieldset>
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={t("connections.priority")} hint={t("connections.priorityHint")} type="number" min={0} max={100} value={priority} onChange={setPriority} />
          <ChoiceField label={t("connections.role")} value={role} onChange={setRole} options={ROLES.map((value) => ({ value, name: t(ROLE_NAMES[value] as "role.guest") }))} />
        </div>
      </Form>
    </Dialog>
  );
}
