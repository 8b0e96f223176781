import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Collection, QuestionPolicy } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { useStore } from "~/kit/store";
import { session } from "~/session/session";
import { CheckField, ChoiceField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { notify } from "~/ui/notices";
import { ProblemNote } from "~/ui/problem-note";

const ROLES = { guest: "role.guest", employee: "role.employee", manager: "role.manager", director: "role.director" } as const satisfies Record<string, Key>;
type RoleName = keyof typeof ROLES;
type Kind = "phrase" | "expression";

interface Pattern {
  key: number;
  kind: Kind;
  pattern: string;
  message: string;
}

/** The most that the server lists at once. */
const PAGE = 100;

/** Ids of collections by role. */
type Asked = Readonly<Record<string, string[]>>;

/** The tenant's question policies: refused patterns, collections by role, limits. */
export function QuestionRules() {
  const current = useStore(session);
  const id = current.status === "in" ? current.me.tenant.id : "";
  const { data: found, error, refetch } = useQuery({
    queryKey: ["question-policy", id],
    enabled: id !== "",
    queryFn: async () => ({
      policy: await data(api.GET("/api/v1/tenants/{tenant_id}/question-policy", { params: { path: { tenant_id: id } } })),
      collections: await allCollections(),
    }),
  });
  if (error !== null) return <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />;
  if (found === undefined) return <div className="skeleton h-64" />;
  return <Editor id={id} policy={found.policy} collections={found.collections} />;
}

function Editor({ id, policy, collections }: { id: string; policy: QuestionPolicy; collections: readonly Collection[] }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [refused, setRefused] = useState<readonly Pattern[]>((policy.refused ?? []).map((each, key) => ({ kind: each.kind ?? "phrase", pattern: each.pattern, message: each.message, key })));
  const [next, setNext] = useState(refused.length);
  const [asked, setAsked] = useState<Asked>(policy.collections ?? {});
  const [longest, setLongest] = useState(text(policy.longest_question));
  const [perUser, setPerUser] = useState(text(policy.concurrent_per_user));
  const [perTenant, setPerTenant] = useState(text(policy.concurrent_per_tenant));
  const [seconds, setSeconds] = useState(text(policy.seconds));

  function change(key: number, part: Partial<Pattern>): void {
    setRefused(refused.map((each) => (each.key === key ? { ...each, ...part } : each)));
  }

  async function save(): Promise<void> {
    const body = {
      refused: refused.map(({ kind, pattern, message }) => ({ kind, pattern: pattern.trim(), message: message.trim() })),
      collections: { ...asked }, longest_question: limit(longest), concurrent_per_user: limit(perUser), concurrent_per_tenant: limit(perTenant), seconds: limit(seconds),
    };
    await api.PATCH("/api/v1/tenants/{tenant_id}/question-policy", { params: { path: { tenant_id: id } }, body });
    await queries.invalidateQueries({ queryKey: ["question-policy"] });
    notify(t("action.saved"));
  }

  return (
    <div className="max-w-2xl">
      <p className="mb-4 text-soft">{t("rules.intro")}</p>
      <Form action={t("action.save")} onSend={save}>
        <section className="space-y-4">
          <h2 className="font-serif text-xl font-semibold">{t("rules.refused")}</h2>
          <p className="text-sm text-soft">{t("rules.refusedHint")}</p>
          {refused.map((each) => (
            <fieldset key={each.key} className="space-y-3 border-l-2 border-line pl-4">
              <ChoiceField label={t("rules.kind")} value={each.kind} onChange={(kind) => change(each.key, { kind })} options={[{ value: "phrase", name: t("rules.phrase") }, { value: "expression", name: t("rules.expression") }]} />
              <TextField label={t("rules.pattern")} value={each.pattern} onChange={(pattern) => change(each.key, { pattern })} maxLength={500} isCode={each.kind === "expression"} />
              <TextField label={t("rules.message")} value={each.message} onChange={(message) => change(each.key, { message })} maxLength={1000} />
              <button type="button" className="button button-bare text-sm text-bad" onClick={() => setRefused(refused.filter((other) => other.key !== each.key))}>{t("rules.remove")}</button>
            </fieldset>
          ))}
          <button
            type="button"
            className="button button-line text-sm"
            onClick={() => { setRefused([...refused, { key: next, kind: "phrase", pattern: "", message: "" }]); setNext(next + 1); }}
          >
            <Plus />{t("rules.add")}
          </button>
        </section>
        <section className="space-y-4 border-t border-line pt-4">
          <h2 className="font-serif text-xl font-semibold">{t("rules.collections")}</h2>
          <p className="text-sm text-soft">{t("rules.collectionsHint")}</p>
          {(Object.keys(ROLES) as RoleName[]).map((role) => (
            <Askable key={role} role={role} ids={asked[role]} collections={collections} onChange={(ids) => setAsked(withRole(asked, role, ids))} />
          ))}
        </section>
        <section className="space-y-4 border-t border-line pt-4">
          <h2 className="font-serif text-xl font-semibold">{t("rules.limits")}</h2>
          <TextField label={t("rules.longest")} hint={t("rules.none")} type="number" min={10} max={4000} isOptional value={longest} onChange={setLongest} />
          <TextField label={t("rules.perUser")} hint={t("rules.none")} type="number" min={1} max={1000} isOptional value={perUser} onChange={setPerUser} />
          <TextField label={t("rules.perTenant")} hint={t("rules.none")} type="number" min={1} max={10000} isOptional value={perTenant} onChange={setPerTenant} />
          <TextField label={t("rules.seconds")} hint={t("rules.none")} type="number" min={1} max={3600} isOptional value={seconds} onChange={setSeconds} />
        </section>
      </Form>
    </div>
  );
}

interface AskableProps {
  role: RoleName;
  ids: readonly string[] | undefined;
  collections: readonly Collection[];
  onChange: (ids: string[] | undefined) => void;
}

function Askable({ role, ids, collections, onChange }: AskableProps) {
  const { t } = useTranslation();
  return (
    <fieldset>
      <legend className="mb-1 font-medium">{t(ROLES[role] as "role.guest")}</legend>
      <CheckField label={t("rules.all")} isOn={ids === undefined} onChange={(isAll) => onChange(isAll ? undefined : [])} />
      {ids !== undefined && collections.map(({ id, name }) => (
        <CheckField key={id} label={name} isOn={ids.includes(id)} onChange={(isOn) => onChange(isOn ? [...ids, id] : ids.filter((other) => other !== id))} />
      ))}
    </fieldset>
  );
}

/** Every collection: one that a role asks must not be missing because there are many. */
async function allCollections(): Promise<Collection[]> {
  const found: Collection[] = [];
  for (let page = 1; ; page += 1) {
    const { data: next, pagination } = await data(api.GET("/api/v1/collections", { params: { query: { page, limit: PAGE } } }));
    found.push(...next);
    if (next.length === 0 || page >= pagination.total_pages) return found;
  }
}

function withRole(asked: Asked, role: RoleName, ids: string[] | undefined): Asked {
  const others = Object.fromEntries(Object.entries(asked).filter(([name]) => name !== role));
  return ids === undefined ? others : { ...others, [role]: ids };
}

function text(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : String(value);
}

function limit(value: string): number | null {
  return value.trim() === "" ? null : Number(value);
}
