import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Key } from "~/i18n/key";
import { number } from "~/kit/format";
import { ChoiceField } from "~/ui/fields";
import { ProblemNote } from "~/ui/problem-note";

import { FiguresTable } from "./figures-table";
import type { Days } from "./spans";
import { SaveFile } from "~/ui/save-file";

const KINDS = {
  popular: "questions.popular", rising: "questions.rising", unanswered: "log.unanswered", low_confidence: "log.doubtful", badly_rated: "log.badlyRated",
} as const satisfies Record<string, Key>;
type Kind = keyof typeof KINDS;

/** The most frequent questions, near-equal ones as one. */
export function FrequentQuestions({ days }: { days: Days }) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<Kind>("popular");
  const { data: found, error, refetch } = useQuery({
    queryKey: ["analytics", "questions", days, kind],
    queryFn: () => data(api.GET("/api/v1/analytics/queries", { params: { query: { ...days, kind, limit: 50 } } })),
  });
  return (
    <>
      <div className="mb-4 flex flex-wrap items-end justify-between gap-4">
        <ChoiceField label={t("log.show")} value={kind} onChange={setKind} options={(Object.keys(KINDS) as Kind[]).map((value) => ({ value, name: t(KINDS[value] as "log.all") }))} />
        <SaveFile path="/api/v1/analytics/export" query={{ ...days, table: "questions" }} name="questions.csv" />
      </div>
      {error !== null && <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      {error === null && found === undefined && <div className="skeleton h-64" />}
      {found?.data.length === 0 && <p className="rounded-xl border border-dashed border-edge px-5 py-6 text-soft">{t("log.none")}</p>}
      {found !== undefined && found.data.length > 0 && (
        <FiguresTable
          label={t("analytics.questions")}
          columns={[t("figure.question"), t("figure.asked"), ...(kind === "rising" ? [t("figure.before")] : []), t("figure.unanswered"), t("figure.doubtful"), t("figure.bad")]}
          rows={found.data.map((each) => ({
            key: each.query,
            cells: [each.query, ...[each.questions, ...(kind === "rising" ? [each.before ?? 0] : []), each.unanswered, each.low_confidence, each.bad_ratings].map((value) => number(value))],
          }))}
        />
      )}
    </>
  );
}
