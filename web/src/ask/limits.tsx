import { useQuery } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { useStore } from "~/kit/store";
import { useRights } from "~/session/rights";
import { Field } from "~/ui/fields";
import { Close, Plus } from "~/ui/icons";

import { limits, type Filter } from "./scope";

/** Users that are offered while a name is typed. */
const MOST_USERS = 8;

/** Limits of the next question besides its collections: a day, metadata, another's rights. */
export default function LimitsPanel() {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  const { asOf, filters } = useStore(limits);
  const set = (next: readonly Filter[]) => limits.update((now) => ({ ...now, filters: next }));
  const change = (at: number, part: Partial<Filter>) => set(filters.map((each, here) => (here === at ? { ...each, ...part } : each)));
  return (
    <div className="mt-1 space-y-4 border-t border-line px-2.5 pt-3 pb-2 text-sm">
      <Field label={t("limits.asOf")} hint={t("limits.asOfHint")}>
        {(attributes) => (
          <input {...attributes} type="date" className="field w-auto" value={asOf} onChange={(event) => limits.update((now) => ({ ...now, asOf: event.target.value }))} />
        )}
      </Field>
      <fieldset className="min-w-0">
        <legend className="mb-1 font-medium">{t("limits.filters")}</legend>
        {filters.map((filter, at) => (
          <div key={at} className="mb-2 flex flex-wrap items-center gap-2">
            <input className="field min-w-0 flex-1 basis-28" aria-label={t("limits.key", { number: at + 1 })} placeholder={t("limits.keyName")} maxLength={200} value={filter.key} onChange={(event) => change(at, { key: event.target.value })} />
            <input className="field min-w-0 flex-1 basis-28" aria-label={t("limits.value", { number: at + 1 })} maxLength={200} value={filter.value} onChange={(event) => change(at, { value: event.target.value })} />
            <button type="button" className="button button-bare px-2" aria-label={t("limits.drop", { limit: filter.key })} onClick={() => set(filters.filter((_, here) => here !== at))}>
              <Close />
            </button>
          </div>
        ))}
        <button type="button" className="button button-line text-sm" onClick={() => set([...filters, { key: "", value: "" }])}>
          <Plus />
          {t("limits.add")}
        </button>
      </fieldset>
      {isAdmin && <ViewAs />}
    </div>
  );
}

/** Chooses a user by name or address: administrators see what that one would be answered. */
function ViewAs() {
  const { t } = useTranslation();
  const { viewAs } = useStore(limits);
  const [typed, setTyped] = useState("");
  const wanted = useDeferredValue(typed.trim());
  const { data: found = [] } = useQuery({
    queryKey: ["users", "view-as", wanted],
    queryFn: async ({ signal }) => {
      const query = { limit: MOST_USERS, status: "active" as const, ...(wanted === "" ? {} : { search: wanted }) };
      return (await data(api.GET("/api/v1/users", { params: { query }, signal }))).data;
    },
  });
  const others = viewAs === null || found.some(({ id }) => id === viewAs.id) ? [] : [viewAs];
  const options = [...others, ...found.map(({ id, name, email }) => ({ id, name: name || email }))];
  return (
    <div className="grid gap-2 sm:grid-cols-2">
      <Field label={t("grant.search")}>
        {(attributes) => <input {...attributes} type="search" className="field" maxLength={200} value={typed} onChange={(event) => setTyped(event.target.value)} />}
      </Field>
      <Field label={t("limits.viewAs")} hint={t("limits.viewAsHint")}>
        {(attributes) => (
          <select
            {...attributes}
            className="field"
            value={viewAs?.id ?? ""}
            onChange={(event) => limits.update((now) => ({ ...now, viewAs: options.find(({ id }) => id === event.target.value) ?? null }))}
          >
            <option value="">{t("limits.viewAsNobody")}</option>
            {options.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}
          </select>
        )}
      </Field>
    </div>
  );
}
