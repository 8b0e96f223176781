import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Grant } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { useRights } from "~/session/rights";
import { useAttempt } from "~/ui/attempt";
import { ChoiceField, Field, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";

import { GroupName, UserName } from "./names";

type Effect = Grant["effect"];

const EFFECTS: Record<Effect, Key> = { read: "grant.read", write: "grant.write", deny: "grant.deny" };
const TONES = { read: "good", write: "good", deny: "bad" } as const;

interface Props {
  of: "document" | "collection";
  id: string;
}

type Rule = { user_id: string; effect: Effect } | { group_id: string; effect: Effect };

function put({ of, id }: Props, body: Rule): Promise<unknown> {
  return of === "document"
    ? api.PUT("/api/v1/documents/{document_id}/grants", { params: { path: { document_id: id } }, body })
    : api.PUT("/api/v1/collections/{collection_id}/grants", { params: { path: { collection_id: id } }, body });
}

function removed({ of, id }: Props, grantId: string): Promise<unknown> {
  return of === "document"
    ? api.DELETE("/api/v1/documents/{document_id}/grants/{grant_id}", { params: { path: { document_id: id, grant_id: grantId } } })
    : api.DELETE("/api/v1/collections/{collection_id}/grants/{grant_id}", { params: { path: { collection_id: id, grant_id: grantId } } });
}

/** The rules of a document or collection; each can be taken away and brought back. */
export function Grants(props: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const attempt = useAttempt();
  const { of, id } = props;
  const refresh = () => queries.invalidateQueries({ queryKey: ["access", id] });

  async function remove(grant: Grant): Promise<void> {
    const isGone = await attempt(() => removed(props, grant.id));
    await refresh();
    if (!isGone) return;
    const { user_id, group_id, effect } = grant;
    const rule: Rule | null = user_id !== null ? { user_id, effect } : group_id !== null ? { group_id, effect } : null;
    notify(t("grant.removed"), rule === null ? undefined : () => void attempt(() => put(props, rule)).then(refresh));
  }

  return (
    <>
      <Listing
        queryKey={["access", id, "grants"]}
        read={(query, signal) =>
          of === "document"
            ? data(api.GET("/api/v1/documents/{document_id}/grants", { params: { path: { document_id: id }, query }, signal }))
            : data(api.GET("/api/v1/collections/{collection_id}/grants", { params: { path: { collection_id: id }, query }, signal }))
        }
        empty={t(of === "document" ? "grant.none" : "grant.noneCollection")}
        row={(grant) => (
          <div className="flex flex-wrap items-center justify-between gap-3">
            <p className="flex min-w-0 flex-wrap items-center gap-2">
              <Badge tone={TONES[grant.effect]}>{t(EFFECTS[grant.effect] as "grant.read")}</Badge>
              {grant.group_id !== null ? (
                <>
                  {t("grant.group")} <GroupName id={grant.group_id} />
                </>
              ) : (
                <UserName id={grant.user_id} />
              )}
            </p>
            <button type="button" className="button button-bare text-sm" onClick={() => void remove(grant)}>{t("grant.remove")}</button>
          </div>
        )}
      />
      <NewGrant {...props} onMade={refresh} />
    </>
  );
}

function NewGrant({ onMade, ...props }: Props & { onMade: () => Promise<void> }) {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  const [whom, setWhom] = useState<"user" | "group">(isAdmin ? "user" : "group");
  const [effect, setEffect] = useState<Effect>("read");
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState("");
  const wanted = useDeferredValue(search.trim());
  const { data: users } = useQuery({
    queryKey: ["users", "choice", wanted],
    enabled: isAdmin && whom === "user",
    queryFn: ({ signal }) => data(api.GET("/api/v1/users", { params: { query: { limit: 50, ...(wanted === "" ? {} : { search: wanted }) } }, signal })),
  });
  const { data: groups } = useQuery({
    queryKey: ["groups", "choice"],
    enabled: whom === "group",
    queryFn: () => data(api.GET("/api/v1/groups", { params: { query: { limit: 100 } } })),
  });
  const options = whom === "user"
    ? (users?.data ?? []).map((user) => ({ value: user.id, name: user.name ? `${user.name} (${user.email})` : user.email }))
    : (groups?.data ?? []).map((group) => ({ value: group.id, name: group.name }));
  const subject = options.some((option) => option.value === chosen) ? chosen : (options[0]?.value ?? "");

  async function save(): Promise<void> {
    await put(props, whom === "user" ? { user_id: subject, effect } : { group_id: subject, effect });
    await onMade();
    notify(t("action.saved"));
  }

  return (
    <section className="mt-6 max-w-2xl rounded-xl border border-line bg-sheet p-4">
      <h3 className="mb-3 font-semibold">{t("grant.new")}</h3>
      <Form action={t("grant.add")} onSend={save} isDisabled={subject === ""}>
        <div className="grid gap-4 sm:grid-cols-2">
          <ChoiceField label={t("grant.effect")} value={effect} onChange={setEffect} options={(Object.keys(EFFECTS) as Effect[]).map((value) => ({ value, name: t(EFFECTS[value] as "grant.read") }))} />
          {isAdmin && (
            <ChoiceField label={t("grant.whom")} value={whom} onChange={setWhom} options={[{ value: "user", name: t("grant.oneUser") }, { value: "group", name: t("grant.aGroup") }]} />
          )}
          {whom === "user" && isAdmin && (
            <TextField label={t("grant.search")} value={search} onChange={setSearch} isOptional maxLength={200} />
          )}
          {options.length > 0 ? (
            <ChoiceField label={t(whom === "user" ? "grant.oneUser" : "grant.aGroup")} value={subject} onChange={setChosen} options={options} />
          ) : (
            <Field label={t(whom === "user" ? "grant.oneUser" : "grant.aGroup")}>
              {(attributes) => <input {...attributes} className="field" readOnly value={t(whom === "user" ? "grant.noUsers" : "grant.noGroups")} />}
            </Field>
          )}
        </div>
      </Form>
    </section>
  );
}
