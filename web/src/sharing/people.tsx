import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Document, UserAccess } from "~/api/schemas";
import { Listing } from "~/ui/listing";
import { Badge } from "~/ui/page";

import { ROLE_NAMES } from "./names";
import { useReasons, Verdict } from "./verdict";

type Wanted = "readers" | "others" | "all";

const CHOICES = { readers: "people.readers", others: "people.others", all: "people.all" } as const;

/** Everybody who can see a document, or cannot, with the reason; for administrators. */
export function People({ document }: { document: Document }) {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const [wanted, setWanted] = useState<Wanted>("readers");
  const part = useDeferredValue(search.trim());
  const filters = { ...(part === "" ? {} : { search: part }), ...(wanted === "all" ? {} : { can_read: wanted === "readers" }) };
  return (
    <section>
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("people.heading")}</h2>
      <p className="mb-3 text-sm text-soft">{t("people.hint")}</p>
      <div className="mb-3 flex flex-wrap gap-3">
        <input type="search" className="field grow basis-56" aria-label={t("grant.search")} placeholder={t("grant.search")} maxLength={200} value={search} onChange={(event) => setSearch(event.target.value)} />
        <select className="field w-auto" aria-label={t("people.which")} value={wanted} onChange={(event) => setWanted(event.target.value as Wanted)}>
          {(Object.keys(CHOICES) as Wanted[]).map((each) => <option key={each} value={each}>{t(CHOICES[each])}</option>)}
        </select>
      </div>
      <Listing
        queryKey={["access", document.id, "people", filters]}
        read={async (page, signal) => {
          const params = { path: { document_id: document.id }, query: { ...page, ...filters } };
          const list = await data(api.GET("/api/v1/documents/{document_id}/access/users", { params, signal }));
          return { ...list, data: list.data.map((each) => ({ ...each, id: each.user.id })) };
        }}
        empty={t("people.none")}
        row={(each) => <Person of={each} level={document.access_level} />}
      />
    </section>
  );
}

function Person({ of: { user, read, write }, level }: { of: UserAccess; level: string }) {
  const { t } = useTranslation();
  const words = useReasons({ role: user.role, level });
  const [decisive] = read.reasons;
  return (
    <details className="group">
      <summary className="cursor-pointer">
        <span className="inline-flex flex-wrap items-center gap-2 font-medium">
          <span className="wrap-anywhere">{user.name || user.email}</span>
          <Badge tone={read.allowed ? "good" : "bad"}>{t(!read.allowed ? "people.hidden" : write.allowed ? "people.changes" : "people.reads")}</Badge>
          {user.is_admin && <Badge>{t("users.administrator")}</Badge>}
        </span>
        <span className="block text-sm text-soft wrap-anywhere">
          {[user.name ? user.email : null, t(ROLE_NAMES[user.role])].filter((part) => part !== null).join(" · ")}
        </span>
        {decisive !== undefined && <span className="block text-sm wrap-anywhere group-open:hidden">{words(decisive)}</span>}
      </summary>
      <Verdict name={t("why.read")} verdict={read} role={user.role} level={level} />
      <Verdict name={t("why.write")} verdict={write} role={user.role} level={level} />
    </details>
  );
}
