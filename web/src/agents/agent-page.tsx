import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Agent } from "~/api/schemas";
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

import { AgentEditor } from "./agent-editor";
import { useAgentWords } from "./built-in";
import { RunList } from "./run-list";
import { TOOLS } from "./tools";
import type { AgentView } from "./views";

/** An agent: run it, change it, look at its versions and runs. */
export function AgentPage() {
  const { t } = useTranslation();
  const { agentId = "" } = useParams({ strict: false });
  const back = <Link to="/agents" className="text-accent underline underline-offset-4">{t("agents.all")}</Link>;
  const isNew = agentId === "new";
  const { copy } = useSearch({ strict: false }) as { copy?: string };
  const wanted = isNew ? (copy ?? "") : agentId;
  const { data: agent, error, refetch } = useQuery({
    queryKey: ["agents", "one", wanted],
    enabled: wanted !== "",
    queryFn: () => data(api.GET("/api/v1/agents/{agent_id}", { params: { path: { agent_id: wanted } } })),
  });
  if (isNew && (wanted === "" || agent !== undefined)) {
    return (
      <Page heading={t("agents.new")} above={back} intro={t("agents.newIntro")}>
        <AgentEditor agent={null} definition={agent?.definition ?? null} />
      </Page>
    );
  }
  if (agent === undefined) {
    return (
      <Page heading={t("nav.agents")} above={back}>
        {error === null ? <div className="skeleton h-64" /> : <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      </Page>
    );
  }
  return <Known agent={agent} back={back} />;
}

function Known({ agent, back }: { agent: Agent; back: ReactNode }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { isAtLeast } = useRights();
  const { view = "run" } = useSearch({ strict: false }) as { view?: AgentView };
  const mayChange = isAtLeast("manager");
  const { name, description } = useAgentWords()(agent);
  const views: { key: AgentView; name: string }[] = [
    { key: "run", name: t("agents.run") },
    { key: "runs", name: t("runs.heading") },
    ...(mayChange ? [{ key: "definition" as const, name: t("agents.definition") }] : []),
    ...(mayChange && !agent.is_built_in ? [{ key: "versions" as const, name: t("document.versions") }] : []),
  ];
  return (
    <Page
      heading={name}
      above={back}
      intro={<span className="flex flex-wrap items-center gap-2">{agent.is_built_in && <Badge>{t("agents.builtIn")}</Badge>}{description}</span>}
      actions={
        <>
          {mayChange && <Link to="/agents/$agentId" params={{ agentId: "new" }} search={{ copy: agent.id }} className="button button-line">{t("agents.copy")}</Link>}
          {mayChange && !agent.is_built_in && <RemoveAgent agent={agent} />}
        </>
      }
    >
      <Views
        label={t("document.views")}
        views={views}
        current={view}
        onChoose={(next) => void navigate({ to: "/agents/$agentId", params: { agentId: agent.id }, search: { view: next }, replace: true })}
      />
      {view === "run" && <Start agent={agent} />}
      {view === "runs" && <RunList agentId={agent.id} />}
      {view === "definition" && <AgentEditor key={agent.version} agent={agent} definition={agent.definition} />}
      {view === "versions" && <AgentVersions agent={agent} />}
    </Page>
  );
}

function Start({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [input, setInput] = useState("");
  async function start(): Promise<void> {
    const params = { path: { agent_id: agent.id } };
    const run = await data(api.POST("/api/v1/agents/{agent_id}/execute", { params, body: { input: input.trim() } }));
    await navigate({ to: "/agent-runs/$runId", params: { runId: run.id } });
  }
  return (
    <div className="max-w-2xl">
      <Form action={t("agents.start")} onSend={start} isDisabled={input.trim() === ""}>
        <TextField label={t("agents.task")} hint={t("agents.taskHint")} rows={5} maxLength={20_000} value={input} onChange={setInput} autoFocus />
      </Form>
      <h2 className="mt-7 mb-1 font-semibold">{t("agents.itsTools")}</h2>
      <ul className="list-disc ps-5 text-soft">
        {agent.tools.map((tool) => {
          const key = TOOLS[tool];
          return <li key={tool}>{key === undefined ? tool : t(key as "tool.search")}</li>;
        })}
      </ul>
    </div>
  );
}

function RemoveAgent({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { slug, definition } = agent;
  async function remove(): Promise<void> {
    const params = { path: { agent_id: agent.id } };
    if (!(await attempt(() => api.DELETE("/api/v1/agents/{agent_id}", { params })))) return;
    await navigate({ to: "/agents" });
    await queries.invalidateQueries({ queryKey: ["agents"] });
    notify(t("agents.deleted", { name: agent.name }), definition === null ? undefined : () => {
      void attempt(() => api.POST("/api/v1/agents", { body: { ...definition, slug } })).then(() => queries.invalidateQueries({ queryKey: ["agents"] }));
    });
  }
  return <button type="button" className="button button-line" onClick={() => void remove()}>{t("document.delete")}</button>;
}

function AgentVersions({ agent }: { agent: Agent }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const path = { agent_id: agent.id };
  async function restore(version: number): Promise<void> {
    if (await attempt(() => api.POST("/api/v1/agents/{agent_id}/restore", { params: { path }, body: { version } }))) notify(t("agents.restored", { version }));
    await queries.invalidateQueries({ queryKey: ["agents"] });
  }
  return (
    <Listing
      queryKey={["agents", "versions", agent.id]}
      read={async (query, signal) => {
        const page = await data(api.GET("/api/v1/agents/{agent_id}/versions", { params: { path, query }, signal }));
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
              <summary className="w-fit text-soft">{t("agents.instructions")}</summary>
              <p className="mt-1 whitespace-pre-wrap wrap-anywhere">{version.definition.instructions}</p>
            </details>
          </div>
          {!version.is_active && <button type="button" className="button button-line text-sm" onClick={() => void restore(version.number)}>{t("agents.restore")}</button>}
        </div>
      )}
    />
  );
}
