import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { EvaluationResult, RunComparison } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { moment } from "~/kit/format";
import { Badge, Page, Views } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { Verdict } from "./verdict";

type Change = RunComparison["changes"][number]["change"];

const CHANGES: Record<Change, Key> = { better: "change.better", worse: "change.worse", same: "change.same", added: "change.added", removed: "change.removed" };
const TONES = { better: "good", worse: "bad", same: "plain", added: "plain", removed: "plain" } as const;

/** Two runs of a set, case by case. */
export function ComparePage() {
  const { t } = useTranslation();
  const { setId = "", beforeId = "", afterId = "" } = useParams({ strict: false });
  const [shown, setShown] = useState<Change | "all">("all");
  const { data: comparison, error, refetch } = useQuery({
    queryKey: ["evaluation-runs", "compare", beforeId, afterId],
    queryFn: () => data(api.GET("/api/v1/evaluations/runs/{run_id}/compare/{other_id}", { params: { path: { run_id: beforeId, other_id: afterId } } })),
  });
  const back = <Link to="/quality/$setId" params={{ setId }} search={{ view: "runs" }} className="text-accent underline underline-offset-4">{t("runs.all")}</Link>;
  if (comparison === undefined) {
    return (
      <Page heading={t("compare.heading")} above={back}>
        {error === null ? <div className="skeleton h-64" /> : <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      </Page>
    );
  }
  const { before, after, better, worse, same, changes } = comparison;
  const rows = changes.filter((each) => shown === "all" || each.change === shown);
  return (
    <Page
      heading={t("compare.heading")}
      above={back}
      intro={t("compare.between", { before: moment(before.created_at), after: moment(after.created_at) })}
    >
      <p className="mb-4 flex flex-wrap items-center gap-2">
        <span>{t("compare.sameCount", { count: same })}</span>
        <Badge tone={comparison.is_worse ? "bad" : "good"}>{t(comparison.is_worse ? "compare.worse" : "compare.notWorse")}</Badge>
        {comparison.regressions.length > 0 && <span className="text-bad wrap-anywhere">{t("compare.fell", { figures: comparison.regressions.join(", ") })}</span>}
      </p>
      <Views
        label={t("compare.show")}
        current={shown}
        onChoose={setShown}
        views={[
          { key: "all", name: t("compare.all", { count: changes.length }) },
          { key: "worse", name: t("compare.worseCount", { count: worse }) },
          { key: "better", name: t("compare.betterCount", { count: better }) },
        ]}
      />
      {rows.length === 0 && <p className="text-soft">{t("compare.none")}</p>}
      {rows.length > 0 && <ul className="divide-y divide-line border-y border-line">
        {rows.map((each) => (
          <li key={each.case_id} className="py-4">
            <p className="mb-2 flex flex-wrap items-center gap-2">
              <Badge tone={TONES[each.change]}>{t(CHANGES[each.change] as "change.better")}</Badge>
              <span className="min-w-0 font-medium wrap-anywhere">{each.question}</span>
            </p>
            <div className="grid gap-4 sm:grid-cols-2">
              <Side name={t("compare.before")} result={each.before} />
              <Side name={t("compare.after")} result={each.after} />
            </div>
          </li>
        ))}
      </ul>}
    </Page>
  );
}

function Side({ name, result }: { name: string; result: EvaluationResult | null }) {
  const { t } = useTranslation();
  return (
    <div className="min-w-0 rounded-lg bg-wash p-3">
      <p className="mb-1 flex items-center gap-2 text-sm text-soft">{name} {result !== null && <Verdict verdict={result.verdict} />}</p>
      <p className="font-serif wrap-anywhere">{result === null ? t("compare.notAsked") : (result.answer ?? result.error ?? (result.is_withheld ? t("runs.withheldAnswer") : "–"))}</p>
    </div>
  );
}
