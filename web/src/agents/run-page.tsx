import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { AgentRun, Citation, ToolCall } from "~/api/schemas";
import { serverSentEvents } from "~/api/stream";
import { MarkedSentence } from "~/ask/marked-sentence";
import { Sources } from "~/ask/sources";
import { STATUS_NAMES, statusTone } from "~/documents/names";
import { duration, moment, money, number, seconds } from "~/kit/format";
import { Reader } from "~/reader/reader";
import { isSamePassage, targetOfCitation, type Target } from "~/reader/target";
import { authorisedFetch } from "~/session/session";
import { useAttempt } from "~/ui/attempt";
import { Badge, Page } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { TOOLS } from "./tools";

const OPEN = ["queued", "running", "waiting"];
/** Asked for so often besides what the stream tells. */
const POLL_MS = 3_000;

/** A run with its steps, calls and costs as they happen, what it waits for, and its report. */
export function AgentRunPage() {
  const { t } = useTranslation();
  const { runId = "" } = useParams({ strict: false });
  const [target, setTarget] = useState<Target | null>(null);
  const { data: run, error, refetch } = useQuery({
    queryKey: ["agent-runs", "one", runId],
    queryFn: () => data(api.GET("/api/v1/agent-runs/{run_id}", { params: { path: { run_id: runId } } })),
    staleTime: 0,
    refetchInterval: ({ state }) => (OPEN.includes(state.data?.status ?? "") ? POLL_MS : false),
  });
  useLive(runId, run?.status === "queued" || run?.status === "running");
  const back = <Link to="/agents" search={{ view: "runs" }} className="text-accent underline underline-offset-4">{t("runs.all")}</Link>;
  if (run === undefined) {
    return (
      <Page heading={t("runs.heading")} above={back}>
        {error === null ? <div className="skeleton h-64" /> : <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      </Page>
    );
  }
  return (
    <div className={target === null ? "" : "lg:grid lg:grid-cols-[minmax(22rem,1fr)_minmax(26rem,1.15fr)]"}>
      <div className={`min-w-0 ${target === null ? "" : "max-lg:invisible"}`}>
        <Page
          heading={t("runs.of", { agent: run.agent })}
          above={back}
          intro={<Facts run={run} />}
          actions={OPEN.includes(run.status) && <Cancel run={run} />}
        >
          {run.is_withheld && <p className="mb-4 rounded-lg bg-wash px-3 py-2">{t("runs.withheldWhy")}</p>}
          {run.input !== null && <p className="mb-5 border-s-4 border-line ps-4 font-serif text-[1.13rem] whitespace-pre-wrap wrap-anywhere">{run.input}</p>}
          {run.reason !== null && <p role="alert" className="mb-4 text-bad wrap-anywhere">{run.reason}</p>}
          {run.calls.filter((call) => call.status === "waiting").map((call) => (
            <Approval key={call.id} run={run} call={call} />
          ))}
          {run.report !== null && <Report report={run.report} shown={target} onShow={setTarget} />}
          <Trace run={run} />
        </Page>
      </div>
      {target !== null && <Reader target={target} onClose={() => setTarget(null)} />}
    </div>
  );
}

/** Reads the run anew whenever its stream tells of something: what is streamed is what is stored. */
function useLive(runId: string, isAtWork: boolean): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (!isAtWork) return;
    const controller = new AbortController();
    const follow = async () => {
      const address = new URL(`/api/v1/agent-runs/${runId}/stream`, location.origin);
      const headers = { Accept: "text/event-stream" };
      const reply = await authorisedFetch(new Request(address, { headers, signal: controller.signal }));
      if (!reply.ok || reply.body === null) return;
      for await (const event of serverSentEvents(reply.body)) {
        void queries.invalidateQueries({ queryKey: ["agent-runs", "one", runId] });
        if (event.name === "done" || event.name === "error") return;
      }
    };
    // Without the stream the page goes on asking.
    follow().catch(() => undefined);
    return () => controller.abort();
  }, [runId, isAtWork, queries]);
}

function Facts({ run }: { run: AgentRun }) {
  const { t } = useTranslation();
  const { usage } = run;
  const facts = [
    run.model,
    moment(run.created_at),
    t("runs.steps", { count: usage.steps }),
    t("runs.tokens", { tokens: number(usage.input_tokens + usage.output_tokens) }),
    seconds(usage.seconds),
    usage.money > 0 ? money(usage.money) : null,
  ];
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
      <span role="status"><Badge tone={statusTone(run.status)}>{t((STATUS_NAMES[run.status] ?? "documents.queued") as "documents.ready")}</Badge></span>
      <span className="wrap-anywhere">{facts.filter((fact) => fact !== null).join(" · ")}</span>
    </span>
  );
}

function Cancel({ run }: { run: AgentRun }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  async function cancel(): Promise<void> {
    await attempt(() => api.POST("/api/v1/agent-runs/{run_id}/cancel", { params: { path: { run_id: run.id } } }));
    await queries.invalidateQueries({ queryKey: ["agent-runs"] });
  }
  return <button type="button" className="button button-line" onClick={() => void cancel()}>{t("runs.cancel")}</button>;
}

/** The outward action an agent asks for, exactly as it would be done; nothing happens before the decision. */
function Approval({ run, call }: { run: AgentRun; call: ToolCall }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const [comment, setComment] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  async function decide(approve: boolean): Promise<void> {
    setIsBusy(true);
    const body = { call_id: call.id, arguments_hash: call.arguments_hash, approve, comment };
    await attempt(() => api.POST("/api/v1/agent-runs/{run_id}/approve", { params: { path: { run_id: run.id } }, body }));
    await queries.invalidateQueries({ queryKey: ["agent-runs"] });
    setIsBusy(false);
  }
  return (
    <section aria-label={t("approval.heading")} className="mb-6 rounded-xl border-2 border-doubt/60 bg-sheet p-4">
      <h2 className="font-serif text-xl font-semibold">{t("approval.heading")}</h2>
      <p className="mt-1 text-sm text-soft">{t("approval.exact")}</p>
      <pre className="my-3 max-h-80 overflow-auto rounded-lg bg-wash p-3 text-sm whitespace-pre-wrap wrap-anywhere" tabIndex={0}>{call.action ?? JSON.stringify(call.arguments, null, 2)}</pre>
      {call.expires_at !== null && <p className="text-sm text-soft">{t("approval.until", { when: moment(call.expires_at) })}</p>}
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

interface ReportProps {
  report: NonNullable<AgentRun["report"]>;
  shown: Target | null;
  onShow: (target: Target) => void;
}

function Report({ report, shown, onShow }: ReportProps) {
  const { t } = useTranslation();
  const citations = report.citations.map((citation) => ({ ...citation, chunk_id: citation.chunk_id ?? "" }));
  const byNumber = new Map(citations.map((citation) => [citation.number, citation]));
  const openNumber = citations.find((citation) => isSamePassage(shown, targetOfCitation(citation)))?.number ?? null;
  const open = useCallback((citation: Citation) => onShow(targetOfCitation(citation)), [onShow]);
  return (
    <section className="mb-7" aria-label={t("runs.report")}>
      <div className="font-serif text-[1.13rem] leading-[1.72] wrap-anywhere whitespace-pre-line">
        {report.sentences.map((sentence, at) => (
          <MarkedSentence key={at} sentence={sentence} citations={byNumber} openNumber={openNumber} onOpen={open} />
        ))}
        {report.sentences.length === 0 && report.answer}
      </div>
      {report.output !== null && <pre className="mt-3 overflow-auto rounded-lg bg-wash p-3 text-sm" tabIndex={0}>{JSON.stringify(report.output, null, 2)}</pre>}
      {report.degraded.map((part) => (
        <p key={part.what} className="mt-2 text-sm text-doubt">{t("ask.degraded", { what: part.what, why: part.why })}</p>
      ))}
      {citations.length > 0 && (
        <div className="mt-4">
          <Sources
            heading={t("ask.sources")}
            items={citations.map((citation) => ({ label: String(citation.number), target: targetOfCitation(citation), place: citation.provision ?? citation.heading }))}
            shown={shown}
            onShow={onShow}
          />
        </div>
      )}
    </section>
  );
}

/** Every reply of the model and every call, in their order. */
function Trace({ run }: { run: AgentRun }) {
  const { t } = useTranslation();
  if (run.steps.length === 0) {
    return OPEN.includes(run.status) ? <div className="skeleton h-24" /> : null;
  }
  return (
    <section aria-label={t("runs.trace")}>
      <h2 className="mb-3 font-serif text-xl font-semibold">{t("runs.trace")}</h2>
      <ol className="space-y-4 border-s-2 border-line ps-5">
        {run.steps.map((step) => (
          <li key={step.number}>
            <p className="text-sm text-soft">{t("runs.step", { number: step.number + 1 })} · {moment(step.at)}</p>
            {step.text !== null && step.text !== "" && <p className="font-serif whitespace-pre-wrap wrap-anywhere">{step.text}</p>}
            <ul className="mt-1 space-y-1">
              {run.calls.filter((call) => call.step === step.number).map((call) => (
                <Call key={call.id} call={call} />
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Call({ call }: { call: ToolCall }) {
  const { t } = useTranslation();
  const name = TOOLS[call.tool];
  return (
    <li>
      <details className="rounded-lg border border-line bg-sheet px-3 py-1">
        <summary>
          <span className="inline-flex max-w-[92%] flex-wrap items-center gap-x-3 gap-y-1 align-middle">
            <span className="font-medium wrap-anywhere">{name === undefined ? call.tool : t(name as "tool.search")}</span>
            <Badge tone={statusTone(call.status)}>{t((STATUS_NAMES[call.status] ?? "state.succeeded") as "documents.ready")}</Badge>
            <span className="text-sm text-soft">
              {[duration(call.started_at, call.finished_at), call.money > 0 ? money(call.money) : null].filter((part) => part !== null).join(" · ")}
            </span>
          </span>
        </summary>
        <dl className="space-y-2 py-2 text-sm">
          <dt className="font-medium">{t("runs.arguments")}</dt>
          <dd><pre className="max-h-60 overflow-auto rounded bg-wash p-2 whitespace-pre-wrap wrap-anywhere" tabIndex={0}>{call.action ?? JSON.stringify(call.arguments, null, 2)}</pre></dd>
          {call.output !== null && (
            <>
              <dt className="font-medium">{t("runs.result")}</dt>
              <dd><pre className="max-h-80 overflow-auto rounded bg-wash p-2 whitespace-pre-wrap wrap-anywhere" tabIndex={0}>{call.output}</pre></dd>
            </>
          )}
        </dl>
      </details>
    </li>
  );
}
