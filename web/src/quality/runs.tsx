import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Dataset, EvaluationRun } from "~/api/schemas";
import { moment, share } from "~/kit/format";
import { useAttempt } from "~/ui/attempt";
import { CheckField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Listing } from "~/ui/listing";
import { Badge } from "~/ui/page";

/** Runs of a set, newest first; two of them can be compared. */
export function Runs({ set }: { set: Dataset }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [withUnreviewed, setWithUnreviewed] = useState(false);
  const [withJudge, setWithJudge] = useState(false);
  const [agent, setAgent] = useState("");
  const { data: agents } = useQuery({
    queryKey: ["agents", "choice"],
    queryFn: () => data(api.GET("/api/v1/agents", { params: { query: { limit: 100 } } })),
  });
  const [chosen, setChosen] = useState<readonly EvaluationRun[]>([]);

  async function start(): Promise<void> {
    await api.POST("/api/v1/evaluations/runs", { body: { dataset_id: set.id, with_unreviewed: withUnreviewed, ...(withJudge ? { judge: "model" as const } : {}), ...(agent === "" ? {} : { agent }) } });
    await queries.invalidateQueries({ queryKey: ["evaluation-runs"] });
  }

  function compare(): void {
    const [before, after] = [...chosen].sort((one, other) => one.created_at.localeCompare(other.created_at));
    if (before === undefined || after === undefined) return;
    void navigate({ to: "/quality/$setId/compare/$beforeId/$afterId", params: { setId: set.id, beforeId: before.id, afterId: after.id } });
  }

  return (
    <>
      <div className="mb-5 max-w-2xl rounded-xl border border-line bg-sheet p-4">
        <Form
          action={t("quality.run")}
          onSend={start}
          isDisabled={set.cases === 0}
          beside={<button type="button" className="button button-line" disabled={chosen.length !== 2} onClick={compare}>{t("quality.compare", { count: chosen.length })}</button>}
        >
          <CheckField label={t("quality.withUnreviewed")} isOn={withUnreviewed} onChange={setWithUnreviewed} />
          <CheckField label={t("quality.withJudge")} isOn={withJudge} onChange={setWithJudge} />
          <label className="block">
            <span className="mb-1 block font-medium">{t("quality.answeredBy")}</span>
            <select className="field" value={agent} onChange={(event) => setAgent(event.target.value)}>
              <option value="">{t("quality.noAgent")}</option>
              {agents?.data.map((each) => <option key={each.id} value={each.slug}>{each.name}</option>)}
            </select>
          </label>
        </Form>
      </div>
      <Listing
        queryKey={["evaluation-runs", "list", set.id]}
        read={(page, signal) => data(api.GET("/api/v1/evaluations/runs", { params: { query: { ...page, dataset_id: set.id } }, signal }))}
        isMoving={(run) => run.finished_at === null}
        empty={t("quality.noRuns")}
        row={(run) => (
          <RunRow
            run={run}
            setId={set.id}
            isChosen={chosen.some((each) => each.id === run.id)}
            onChoose={(isOn) => setChosen(isOn ? [...chosen, run].slice(-2) : chosen.filter((each) => each.id !== run.id))}
          />
        )}
      />
    </>
  );
}

function RunRow({ run, setId, isChosen, onChoose }: { run: EvaluationRun; setId: string; isChosen: boolean; onChoose: (isOn: boolean) => void }) {
  const { t } = useTranslation();
  const { figures } = run;
  const name = moment(run.created_at);
  const asked = figures === null ? 0 : figures.cases - figures.failed;
  return (
    <div className="flex flex-wrap items-start gap-x-4 gap-y-2">
      <input type="checkbox" className="mt-1 size-5 accent-accent" aria-label={t("quality.choose", { run: name })} disabled={figures === null} checked={isChosen} onChange={(event) => onChoose(event.target.checked)} />
      <div className="min-w-0 grow">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          <Link to="/quality/$setId/runs/$runId" params={{ setId, runId: run.id }} className="underline-offset-4 hover:underline">{name}</Link>
          {run.is_rejected && <Badge tone="bad">{t("quality.rejected")}</Badge>}
        </p>
        <p className="text-sm text-soft wrap-anywhere">{[run.agent, run.model, run.prompt_version, `Citewell ${run.release}`].filter((part) => part !== null).join(" · ")}</p>
        {figures !== null && (
          <p className="text-sm">
            {t("quality.right", { share: share(asked === 0 ? 0 : (figures.verdicts.right ?? 0) / asked) })}
            {figures.failed > 0 && <span className="text-bad"> · {t("quality.failed", { count: figures.failed })}</span>}
          </p>
        )}
        {figures === null && <Progress run={run} />}
      </div>
    </div>
  );
}

/** How far a run is, as its job tells; from there it can be cancelled. */
export function Progress({ run }: { run: EvaluationRun }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const jobId = run.job_id;
  const { data: job } = useQuery({
    queryKey: ["jobs", jobId],
    enabled: jobId !== null,
    refetchInterval: 1_000,
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: jobId ?? "" } } })),
  });
  if (job === undefined || jobId === null) return <div className="skeleton mt-1 h-4 w-40" />;
  if (job.status === "failed" || job.status === "cancelled") {
    return <p className="text-sm text-bad wrap-anywhere">{job.reason ?? t("documents.cancelled")}</p>;
  }
  const { progress } = job;
  const part = progress === null || progress.total === null || progress.total === 0 ? null : progress.done / progress.total;
  async function cancel(): Promise<void> {
    await attempt(() => api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path: { job_id: jobId ?? "" } } }));
    await queries.invalidateQueries({ queryKey: ["jobs"] });
  }
  return (
    <div className="mt-1 flex max-w-md items-center gap-3">
      <progress className="block h-1.5 grow overflow-hidden rounded-full bg-wash accent-accent" max={1} aria-label={t("quality.progress")} {...(part === null ? {} : { value: part })} />
      <span role="status" className="text-sm text-soft tabular-nums">{progress === null ? t("documents.queued") : `${progress.done} / ${progress.total ?? "?"}`}</span>
      <button type="button" className="button button-bare text-sm" onClick={() => void cancel()}>{t("action.cancel")}</button>
    </div>
  );
}
