import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { EvaluationResult, EvaluationRun } from "~/api/schemas";
import { moment, money, number, share } from "~/kit/format";
import { Listing } from "~/ui/listing";
import { Page } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { Progress } from "./runs";
import { Verdict } from "./verdict";

/** A run: its figures, and every judged reply. */
export function EvaluationRunPage() {
  const { t } = useTranslation();
  const { runId = "", setId = "" } = useParams({ strict: false });
  const { data: run, error, refetch } = useQuery({
    queryKey: ["evaluation-runs", "one", runId],
    refetchInterval: ({ state }) => (state.data?.finished_at === null ? 1_500 : false),
    queryFn: () => data(api.GET("/api/v1/evaluations/runs/{run_id}", { params: { path: { run_id: runId } } })),
  });
  const back = <Link to="/quality/$setId" params={{ setId }} search={{ view: "runs" }} className="text-accent underline underline-offset-4">{t("runs.all")}</Link>;
  if (run === undefined) {
    return (
      <Page heading={t("runs.heading")} above={back}>
        {error === null ? <div className="skeleton h-64" /> : <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      </Page>
    );
  }
  return (
    <Page heading={t("quality.runOf", { when: moment(run.created_at) })} above={back} intro={<span className="text-sm wrap-anywhere">{[run.model, run.embedding, run.prompt_version, `Citewell ${run.release}`].filter((part) => part !== null).join(" · ")}</span>}>
      {run.figures === null ? <Progress run={run} /> : <Figures figures={run.figures} />}
      <h2 className="mt-7 mb-2 font-serif text-xl font-semibold">{t("quality.results")}</h2>
      <Listing
        queryKey={["evaluation-runs", "results", run.id, run.finished_at]}
        read={async (query, signal) => {
          const page = await data(api.GET("/api/v1/evaluations/runs/{run_id}/results", { params: { path: { run_id: run.id }, query }, signal }));
          return { ...page, data: page.data.map((each) => ({ ...each, id: each.case_id })) };
        }}
        empty={t("quality.noResults")}
        row={(result) => <Result result={result} />}
      />
    </Page>
  );
}

function Figures({ figures }: { figures: NonNullable<EvaluationRun["figures"]> }) {
  const { t } = useTranslation();
  const { verdicts } = figures;
  const optional = (value: number | null | undefined, write: (value: number) => string) => (value == null ? "–" : write(value));
  const all: [name: string, value: string][] = [
    [t("verdict.right"), number(verdicts.right ?? 0)],
    [t("verdict.partly"), number(verdicts.partly ?? 0)],
    [t("verdict.wrong"), number(verdicts.wrong ?? 0)],
    [t("verdict.wronglyAbstained"), number(verdicts.wrongly_abstained ?? 0)],
    [t("verdict.shouldHave"), number(verdicts.should_have_abstained ?? 0)],
    [t("figure.failed"), number(figures.failed)],
    [t("figure.citations"), optional(figures.citation_precision, share)],
    [t("figure.ndcg"), optional(figures.ndcg_at_10, (value) => number(value, 3))],
    [t("figure.recall"), optional(figures.recall_at_10, share)],
    [t("figure.calibration"), number(figures.ece, 3)],
    [t("figure.median"), t("figure.milliseconds", { value: number(figures.p50_ms) })],
    [t("figure.slow"), t("figure.milliseconds", { value: number(figures.p95_ms) })],
    [t("figure.tokens"), number(figures.input_tokens + figures.output_tokens)],
    [t("figure.cost"), optional(figures.cost_usd, money)],
  ];
  return (
    <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4 lg:grid-cols-5">
      {all.map(([name, value]) => (
        <div key={name} className="rounded-xl border border-line bg-sheet px-4 py-3">
          <dt className="text-sm text-soft">{name}</dt>
          <dd className="font-serif text-xl font-semibold tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Result({ result }: { result: EvaluationResult }) {
  const { t } = useTranslation();
  return (
    <div>
      <p className="flex flex-wrap items-center gap-2">
        <Verdict verdict={result.verdict} />
        <span className="min-w-0 font-medium wrap-anywhere">{result.question}</span>
      </p>
      {result.answer !== null && <p className="mt-1 font-serif text-soft wrap-anywhere">{result.answer}</p>}
      {result.is_withheld && <p className="mt-1 text-sm text-soft">{t("runs.withheldAnswer")}</p>}
      {result.error !== null && <p className="mt-1 text-sm text-bad wrap-anywhere">{result.error}</p>}
      <p className="text-sm text-soft">{t("figure.milliseconds", { value: number(result.latency_ms) })}</p>
    </div>
  );
}
