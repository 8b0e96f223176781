import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Workflow } from "~/api/schemas";
import { moment } from "~/kit/format";
import { useRights } from "~/session/rights";
import { UserName } from "~/sharing/names";
import { useAttempt } from "~/ui/attempt";
import { TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge, Page, Views } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { Graph } from "./graph";
import { useNodes } from "./plan";
import { SourceEditor } from "./source-editor";
import { Triggers } from "./triggers";
import type { WorkflowView } from "./views";
import { WorkflowRunList } from "./workflow-run-list";

/** A workflow: its graph, its text, its runs. */
export function WorkflowPage() {
  const { t } = useTranslation();
  const { workflowId = "" } = useParams({ strict: false });
  const isNew = workflowId === "new";
  const { data: workflow, error, refetch } = useQuery({
    queryKey: ["workflows", "one", workflowId],
    enabled: !isNew,
    queryFn: () => data(api.GET("/api/v1/workflows/{workflow_id}", { params: { path: { workflow_id: workflowId } } })),
  });
  const back = <Link to="/workflows" className="text-accent underline underline-offset-4">{t("workflows.all")}</Link>;
  if (isNew) {
    return (
      <Page heading={t("workflows.new")} above={back} isWide>
        <SourceEditor workflow={null} />
      </Page>
    );
  }
  if (workflow === undefined) {
    return (
      <Page heading={t("nav.workflows")} above={back}>
        {error === null ? <div className="skeleton h-64" /> : <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      </Page>
    );
  }
  return <Known workflow={workflow} back={back} />;
}

function Known({ workflow, back }: { workflow: Workflow; back: ReactNode }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { isAtLeast } = useRights();
  const { view = "graph" } = useSearch({ strict: false }) as { view?: WorkflowView };
  const mayChange = isAtLeast("manager");
  const views: { key: WorkflowView; name: string }[] = [
    { key: "graph", name: t("workflows.graph") },
    { key: "start", name: t("agents.run") },
    { key: "runs", name: t("runs.heading") },
    ...(mayChange
      ? [
          { key: "source" as const, name: t("workflows.source") },
          { key: "versions" as const, name: t("document.versions") },
          { key: "triggers" as const, name: t("trigger.heading") },
        ]
      : []),
  ];
  return (
    <Page
      heading={workflow.name}
      above={back}
      isWide={view === "source"}
      intro={<span className="wrap-anywhere">{workflow.description}</span>}
      actions={mayChange && <RemoveWorkflow workflow={workflow} />}
    >
      <Views label={t("document.views")} views={views} current={view} onChoose={(next) => void navigate({ to: "/workflows/$workflowId", params: { workflowId: workflow.id }, search: { view: next }, replace: true })} />
      {view === "graph" && <Shown workflow={workflow} />}
      {view === "start" && <Start workflow={workflow} />}
      {view === "runs" && <WorkflowRunList workflowId={workflow.id} />}
      {view === "source" && <SourceEditor key={workflow.version} workflow={workflow} />}
      {view === "versions" && <Versions workflow={workflow} />}
      {view === "triggers" && <Triggers workflow={workflow} />}
    </Page>
  );
}

function Shown({ workflow }: { workflow: Workflow }) {
  const { t } = useTranslation();
  const { nodes, problems, error } = useNodes(workflow);
  if (error !== null) return <ProblemNote problem={asProblem(error)} />;
  if (nodes === null) return <div className="skeleton h-48" />;
  return (
    <>
      <Graph nodes={nodes} />
      {problems.length > 0 && (
        <section className="mt-4">
          <h2 className="font-semibold text-doubt">{t("workflows.wouldFail")}</h2>
          <ul className="list-disc ps-5">{problems.map((problem) => <li key={problem} className="wrap-anywhere">{problem}</li>)}</ul>
        </section>
      )}
    </>
  );
}

function Start({ workflow }: { workflow: Workflow }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const names = Object.keys(workflow.inputs);
  const [values, setValues] = useState<Record<string, string>>({});
  async function start(): Promise<void> {
    const given = Object.entries(values).filter(([, value]) => value !== "");
    const params = { path: { workflow_id: workflow.id } };
    const run = await data(api.POST("/api/v1/workflows/{workflow_id}/run", { params, body: { inputs: Object.fromEntries(given) } }));
    await navigate({ to: "/workflow-runs/$runId", params: { runId: run.id } });
  }
  return (
    <div className="max-w-2xl">
      <Form action={t("workflows.start")} onSend={start}>
        {names.length === 0 && <p className="text-soft">{t("workflows.noInputs")}</p>}
        {names.map((name) => {
          const input = workflow.inputs[name];
          const standard = input?.default;
          const isNeeded = (input?.required ?? true) && standard == null;
          return (
            <TextField
              key={name}
              label={input?.description || name}
              {...(standard == null ? {} : { hint: t("workflows.standard", { value: typeof standard === "string" ? standard : JSON.stringify(standard) }) })}
              isOptional={!isNeeded}
              value={values[name] ?? ""}
              onChange={(value) => setValues({ ...values, [name]: value })}
            />
          );
        })}
      </Form>
    </div>
  );
}

function RemoveWorkflow({ workflow }: { workflow: Workflow }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { slug, source } = workflow;
  async function remove(): Promise<void> {
    if (!(await attempt(() => api.DELETE("/api/v1/workflows/{workflow_id}", { params: { path: { workflow_id: workflow.id } } })))) return;
    await navigate({ to: "/workflows" });
    await queries.invalidateQueries({ queryKey: ["workflows"] });
    notify(t("agents.deleted", { name: workflow.name }), source === null ? undefined : () => {
      void attempt(() => api.POST("/api/v1/workflows", { body: { slug, source } })).then(() => queries.invalidateQueries({ queryKey: ["workflows"] }));
    });
  }
  return <button type="button" className="button button-line" onClick={() => void remove()}>{t("document.delete")}</button>;
}

function Versions({ workflow }: { workflow: Workflow }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const path = { workflow_id: workflow.id };
  async function restore(version: number): Promise<void> {
    if (await attempt(() => api.POST("/api/v1/workflows/{workflow_id}/restore", { params: { path }, body: { version } }))) notify(t("agents.restored", { version }));
    await queries.invalidateQueries({ queryKey: ["workflows"] });
  }
  return (
    <Listing
      queryKey={["workflows", "versions", workflow.id]}
      read={async (query, signal) => {
        const page = await data(api.GET("/api/v1/workflows/{workflow_id}/versions", { params: { path, query }, signal }));
        return { ...page, data: page.data.map((each) => ({ ...each, id: String(each.number) })) };
      }}
      empty={null}
      row={(version) => (
        <div className="flex flex-wrap items-start justify-between gap-3">
          <div className="min-w-0">
            <p className="flex flex-wrap items-center gap-2 font-medium">
              {t("version.number", { version: version.number })}
              {version.is_active && <Badge tone="good">{t("agents.inUse")}</Badge>}
            </p>
            <p className="text-sm text-soft">{moment(version.created_at)} · <UserName id={version.created_by} /></p>
            <details className="text-sm">
              <summary className="w-fit text-soft">{t("workflows.source")}</summary>
              <pre className="mt-1 max-h-80 overflow-auto rounded-lg bg-wash p-3 text-sm whitespace-pre-wrap wrap-anywhere" tabIndex={0}>{version.source}</pre>
            </details>
          </div>
          {!version.is_active && <button type="button" className="button button-line text-sm" onClick={() => void restore(version.number)}>{t("agents.restore")}</button>}
        </div>
      )}
    />
  );
}
