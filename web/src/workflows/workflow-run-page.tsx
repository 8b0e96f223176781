import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { WorkflowNode, WorkflowRun } from "~/api/schemas";
import { STATUS_NAMES, statusTone } from "~/documents/names";
import { duration, moment, money, number } from "~/kit/format";
import { useAttempt } from "~/ui/attempt";
import { Badge, Page } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { Graph, KINDS } from "./graph";
import { useNodes } from "./plan";

const OPEN = ["queued", "running", "waiting"];
const POLL_MS = 1_500;

/** A run: what each node got and left, how long it took and what it cost, and what it waits for. */
export function WorkflowRunPage() {
  const { t } = useTranslation();
  const { runId = "" } = useParams({ strict: false });
  const [chosen, setChosen] = useState<string | null>(null);
  const { data: run, error, refetch } = useQuery({
    queryKey: ["workflow-runs", "one", runId],
    queryFn: () => data(api.GET("/api/v1/workflow-runs/{run_id}", { params: { path: { run_id: runId } } })),
    staleTime: 0,
    refetchInterval: ({ state }) => (OPEN.includes(state.data?.status ?? "") ? POLL_MS : false),
  });
  const workflowId = run?.workflow_id;
  const { data: workflow } = useQuery({
    queryKey: ["workflows", "one", workflowId],
    enabled: workflowId !== undefined,
    retry: false, // it may be gone; its runs stay
    queryFn: () => data(api.GET("/api/v1/workflows/{workflow_id}", { params: { path: { workflow_id: workflowId ?? "" } } })),
  });
  // The graph of another version would show other nodes.
  const isSame = workflow !== undefined && workflow.version === run?.workflow_version;
  const { nodes } = useNodes(isSame ? workflow : undefined);
  const back = <Link to="/workflows" search={{ view: "runs" }} className="text-accent underline underline-offset-4">{t("runs.all")}</Link>;
  if (run === undefined) {
    return (
      <Page heading={t("runs.heading")} above={back}>
        {error === null ? <div className="skeleton h-64" /> : <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      </Page>
    );
  }
  const states = new Map(run.nodes.map((node) => [node.node, node.status]));
  const shown = chosen === null ? run.nodes : run.nodes.filter((node) => node.node === chosen);
  return (
    <Page heading={t("runs.of", { agent: run.workflow })} above={back} intro={<Facts run={run} />} actions={<Actions run={run} />}>
      {run.is_withheld && <p className="mb-4 rounded-lg bg-wash px-3 py-2">{t("runs.withheldWhy")}</p>}
      {run.reason !== null && <p role="alert" className="mb-4 text-bad wrap-anywhere">{run.reason}</p>}
      {run.nodes.filter((node) => node.status === "waiting" && node.action_hash !== null).map((node) => (
        <Decision key={`${node.node}/${node.item ?? ""}`} run={run} node={node} />
      ))}
      {nodes !== null && <Graph nodes={nodes} states={states} chosen={chosen} onChoose={(id) => setChosen(chosen === id ? null : id)} />}
      {run.inputs !== null && Object.keys(run.inputs).length > 0 && <Value name={t("workflows.inputs")} value={run.inputs} />}
      {run.output != null && <Value name={t("workflows.output")} value={run.output} />}
      <h2 className="mt-7 mb-2 font-serif text-xl font-semibold">{t("workflows.nodesHeading")}</h2>
      {run.nodes.length === 0 && <div className="skeleton h-16" />}
      <ol className="divide-y divide-line border-y border-line">
        {shown.map((node) => (
          <Node key={`${node.node}/${node.item ?? ""}`} node={node} run={run} />
        ))}
      </ol>
      {chosen !== null && (
        <button type="button" className="button button-bare mt-2 text-sm" onClick={() => setChosen(null)}>{t("workflows.allNodes")}</button>
      )}
    </Page>
  );
}

function Facts({ run }: { run: WorkflowRun }) {
  const { t } = useTranslation();
  const facts = [moment(run.created_at), t("place.version", { version: run.workflow_version }), duration(run.started_at, run.finished_at)];
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
      <span role="status"><Badge tone={statusTone(run.status)}>{t((STATUS_NAMES[run.status] ?? "documents.queued") as "documents.ready")}</Badge></span>
      <span>{facts.filter((fact) => fact !== null).join(" · ")}</span>
    </span>
  );
}

function Actions({ run }: { run: WorkflowRun }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const params = { path: { run_id: run.id } };
  async function act(work: () => Promise<unknown>): Promise<void> {
    await attempt(work);
    await queries.invalidateQueries({ queryKey: ["workflow-runs"] });
  }
  return OPEN.includes(run.status) ? (
    <button type="button" className="button button-line" onClick={() => void act(() => api.POST("/api/v1/workflow-runs/{run_id}/cancel", { params }))}>{t("runs.cancel")}</button>
  ) : run.status === "succeeded" ? null : (
    <button type="button" className="button button-line" onClick={() => void act(() => api.POST("/api/v1/workflow-runs/{run_id}/retry", { params, body: {} }))}>{t("workflows.retry")}</button>
  );
}

function Decision({ run, node }: { run: WorkflowRun; node: WorkflowNode }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const [comment, setComment] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  async function decide(approve: boolean): Promise<void> {
    setIsBusy(true);
    const body = { node: node.node, action_hash: node.action_hash ?? "", approve, comment };
    await attempt(() => api.POST("/api/v1/workflow-runs/{run_id}/approve", { params: { path: { run_id: run.id } }, body }));
    await queries.invalidateQueries({ queryKey: ["workflow-runs"] });
    setIsBusy(false);
  }
  return (
    <section aria-label={t("approval.node", { node: node.node })} className="mb-6 rounded-xl border-2 border-doubt/60 bg-sheet p-4">
      <h2 className="font-serif text-xl font-semibold">{t("approval.node", { node: node.node })}</h2>
      <p className="my-3 font-serif text-[1.08rem] whitespace-pre-wrap wrap-anywhere">{node.message}</p>
      {node.wakes_at !== null && <p className="text-sm text-soft">{t("approval.until", { when: moment(node.wakes_at) })}</p>}
      <label className="mt-2 block">
        <span className="mb-1 block text-sm text-soft">{t("approval.comment")}</span>
        <input className="field" maxLength={2000} value={comment} onChange={(event) => setComment(event.target.value)} />
      </label>
      <div className="mt-3 flex flex-wrap gap-2">
        <button type="button" className="button button-main" disabled={isBusy} onClick={() => void decide(true)}>{t("approval.approve")}</button>
        <button type="button" className="button button-line" disabled={isBusy} onClick={() => void decide(false)}>{t("approval.refuse")}</button>
      </div>
    </section>
  );
}

function Node({ node, run }: { node: WorkflowNode; run: WorkflowRun }) {
  const { t } = useTranslation();
  const kind = KINDS[node.kind];
  return (
    <li className="py-3">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-medium wrap-anywhere">{node.item === null ? node.node : `${node.node} [${node.item + 1}]`}</span>
        <Badge tone={statusTone(node.status)}>{t((STATUS_NAMES[node.status] ?? "documents.queued") as "documents.ready")}</Badge>
        <span className="text-sm text-soft">
          {[kind === undefined ? node.kind : t(kind as "kind.agent"), duration(node.started_at, node.finished_at ?? (OPEN.includes(run.status) ? null : run.finished_at)), node.outcome].filter((part) => part !== null).join(" · ")}
        </span>
        {node.agent_run_id !== null && <AgentCost runId={node.agent_run_id} />}
        {node.workflow_run_id !== null && (
          <Link to="/workflow-runs/$runId" params={{ runId: node.workflow_run_id }} className="text-sm text-accent underline underline-offset-4">{t("workflows.inner")}</Link>
        )}
      </p>
      {node.message !== null && <p className="mt-1 text-sm wrap-anywhere">{node.message}</p>}
      {node.comment !== null && node.comment !== "" && <p className="mt-1 text-sm text-soft wrap-anywhere">{t("approval.said", { comment: node.comment })}</p>}
      {node.reason !== null && <p className="mt-1 text-sm text-bad wrap-anywhere">{node.reason}</p>}
      {node.output != null && <Value name={t("workflows.output")} value={node.output} />}
    </li>
  );
}

/** Usage of an agent within the run; its own page has the trace. */
function AgentCost({ runId }: { runId: string }) {
  const { t } = useTranslation();
  const { data: run } = useQuery({
    queryKey: ["agent-runs", "one", runId],
    retry: false,
    queryFn: () => data(api.GET("/api/v1/agent-runs/{run_id}", { params: { path: { run_id: runId } } })),
  });
  return (
    <>
      <Link to="/agent-runs/$runId" params={{ runId }} className="text-sm text-accent underline underline-offset-4">{t("workflows.agentRun")}</Link>
      {run !== undefined && (
        <span className="text-sm text-soft">
          {[t("runs.tokens", { tokens: number(run.usage.input_tokens + run.usage.output_tokens) }), run.usage.money > 0 ? money(run.usage.money) : null].filter((part) => part !== null).join(" · ")}
        </span>
      )}
    </>
  );
}

function Value({ name, value }: { name: string; value: unknown }) {
  return (
    <details className="mt-2 text-sm">
      <summary className="w-fit text-soft">{name}</summary>
      <pre className="mt-1 max-h-96 overflow-auto rounded-lg bg-wash p-3 whitespace-pre-wrap wrap-anywhere" tabIndex={0}>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</pre>
    </details>
  );
}
