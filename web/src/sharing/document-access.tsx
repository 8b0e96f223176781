import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Document } from "~/api/schemas";
import { LEVEL_KEYS, LEVELS } from "~/documents/names";
import { useRights } from "~/session/rights";
import { useAttempt } from "~/ui/attempt";
import { notify } from "~/ui/notices";
import { ProblemNote } from "~/ui/problem-note";

import { Grants } from "./grants";
import { ROLE_NAMES, type RoleName } from "./names";
import { People } from "./people";
import { Verdict } from "./verdict";

/** People who can see a document, with the reason; its level and its rules. */
export function DocumentAccess({ document }: { document: Document }) {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  return (
    <div className="space-y-8">
      <Level document={document} />
      <Why document={document} />
      {isAdmin && <People document={document} />}
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
  const { data: why, error, refetch } = useQuery({
    queryKey: ["access", document.id, "why"],
    queryFn: () => data(api.GET("/api/v1/documents/{document_id}/access", { params: { path: { document_id: document.id } } })),
  });
  return (
    <section>
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("why.access")}</h2>
      {error !== null ? (
        <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />
      ) : why === undefined ? (
        <div className="skeleton h-24" />
      ) : (
        <div className="rounded-xl border border-line bg-sheet p-4">
          <p className="mb-2 text-sm text-soft">
            {t("why.yourself")} · {t((ROLE_NAMES[why.user.role as RoleName] ?? "role.guest") as "role.guest")}
          </p>
          <Verdict name={t("why.read")} verdict={why.read} role={why.user.role} level={why.access_level} isOwn />
          <Verdict name={t("why.write")} verdict={why.write} role={why.user.role} level={why.access_level} isOwn />
        </div>
      )}
    </section>
  );
}
