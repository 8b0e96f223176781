import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Document, Explanation } from "~/api/schemas";
import { LEVEL_KEYS, LEVELS } from "~/documents/names";
import type { Key } from "~/i18n/key";
import { useRights } from "~/session/rights";
import { useAttempt } from "~/ui/attempt";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { Grants } from "./grants";
import { ROLE_NAMES, type RoleName } from "./names";

/** Highest level that each role reads, as the server's policy has it. */
const REACH: Record<string, string> = { guest: "public", employee: "internal", manager: "confidential", director: "restricted" };

/** The reasons that the server gives, by their codes. */
const REASONS: Record<string, Key> = {
  document_denied: "reason.documentDenied",
  collection_denied: "reason.collectionDenied",
  document_granted: "reason.documentGranted",
  collection_granted: "reason.collectionGranted",
  document_granted_for_reading: "reason.documentReading",
  collection_granted_for_reading: "reason.collectionReading",
  role_reads_level: "reason.roleReads",
  role_below_level: "reason.roleBelow",
  role_writes_level: "reason.roleWrites",
  role_writes_own_only: "reason.roleOwn",
  collection_private: "reason.collectionPrivate",
  owner: "reason.owner",
  not_readable: "reason.notReadable",
};

/** People who can see a document, with the reason; its level and its rules. */
export function DocumentAccess({ document }: { document: Document }) {
  const { t } = useTranslation();
  return (
    <div className="space-y-8">
      <Level document={document} />
      <Why document={document} />
      <section>
        <h2 className="mb-2 font-serif text-xl font-semibold">{t("grant.heading")}</h2>
        <Grants of="document" id={document.id} />
      </section>
    </div>
  );
}

function Level({ document }: { document: Document }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();

  async function change(level: string): Promise<boolean> {
    const params = { path: { document_id: document.id } };
    const isDone = await attempt(() => api.PATCH("/api/v1/documents/{document_id}", { params, body: { access_level: level } }));
    await Promise.all([
      queries.invalidateQueries({ queryKey: ["documents"] }),
      queries.invalidateQueries({ queryKey: ["access", document.id] }),
    ]);
    return isDone;
  }

  async function choose(level: string): Promise<void> {
    const before = document.access_level;
    if (await change(level)) notify(t("level.changed"), () => void change(before));
  }

  return (
    <fieldset>
      <legend className="mb-2 font-serif text-xl font-semibold">{t("level.heading")}</legend>
      <p className="mb-3 text-sm text-soft">{t("level.hint")}</p>
      <div className="flex flex-wrap gap-2">
        {LEVEL_KEYS.map((level) => (
          <label key={level} className="cursor-pointer rounded-lg border border-line px-3 py-1.5 has-checked:border-accent has-checked:bg-accent has-checked:text-on-accent has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent">
            <input type="radio" className="sr-only" name="level" value={level} checked={document.access_level === level} onChange={() => void choose(level)} />
            {t(LEVELS[level] as "level.public")}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Why({ document }: { document: Document }) {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  const [typed, setTyped] = useState("");
  const [user, setUser] = useState("");
  const { data: why, error, refetch } = useQuery({
    queryKey: ["access", document.id, "why", user],
    queryFn: () => {
      const params = { path: { document_id: document.id }, query: user === "" ? {} : { user } };
      return data(api.GET("/api/v1/documents/{document_id}/access", { params }));
    },
  });
  return (
    <section>
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("why.access")}</h2>
      {isAdmin && (
        <form className="mb-3 flex max-w-xl flex-wrap items-end gap-2" onSubmit={(event) => { event.preventDefault(); setUser(typed.trim()); }}>
          <label className="min-w-0 grow">
            <span className="mb-1 block text-sm text-soft">{t("why.user")}</span>
            <input className="field" value={typed} onChange={(event) => setTyped(event.target.value)} />
          </label>
          <button type="submit" className="button button-line min-h-[2.9rem]">{t("why.look")}</button>
        </form>
      )}
      {error !== null ? (
        <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />
      ) : why === undefined ? (
        <div className="skeleton h-24" />
      ) : (
        <div className="rounded-xl border border-line bg-sheet p-4">
          <p className="mb-2 text-sm text-soft">
            {user === "" ? t("why.yourself") : user} · {t((ROLE_NAMES[why.user.role as RoleName] ?? "role.guest") as "role.guest")}
          </p>
          <Verdict name={t("why.read")} verdict={why.read} of={why} isOwn={user === ""} />
          <Verdict name={t("why.write")} verdict={why.write} of={why} isOwn={user === ""} />
        </div>
      )}
    </section>
  );
}

interface VerdictProps {
  name: string;
  verdict: Explanation["read"];
  of: Explanation;
  isOwn: boolean;
}

function Verdict({ name, verdict, of, isOwn }: VerdictProps) {
  const { t } = useTranslation();
  const level = (of: string | undefined) => t((LEVELS[of as keyof typeof LEVELS] ?? "level.public") as "level.public");
  const shared = {
    role: t((ROLE_NAMES[of.user.role as RoleName] ?? "role.guest") as "role.guest"),
    level: level(of.access_level),
    reach: level(REACH[of.user.role]),
  };

  function whom(group: string | null | undefined): string {
    if (group === null || group === undefined) return t(isOwn ? "reason.you" : "reason.person");
    return t(isOwn ? "reason.yourGroup" : "reason.group", { group });
  }

  return (
    <div className="mt-2">
      <p className="flex items-center gap-2 font-medium">
        {name} <Badge tone={verdict.allowed ? "good" : "bad"}>{t(verdict.allowed ? "why.yes" : "why.no")}</Badge>
      </p>
      <ul className="mt-1 list-disc ps-5 text-sm text-soft">
        {verdict.reasons.map((reason, at) => {
          const key = REASONS[reason.code];
          return <li key={at} className="wrap-anywhere">{key === undefined ? reason.detail : t(key as "reason.owner", { ...shared, whom: whom(reason.group_name) })}</li>;
        })}
      </ul>
    </div>
  );
}
