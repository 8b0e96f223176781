import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { WorkflowTemplate } from "~/api/schemas";
import { useRights } from "~/session/rights";
import { Dialog } from "~/ui/dialog";
import { TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { Page, Views } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { useTemplateWords } from "./templates";
import { WorkflowRunList } from "./workflow-run-list";

type View = "list" | "templates" | "runs";

/** The workflows, the templates to begin with, and the runs. */
export function WorkflowsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { isAtLeast } = useRights();
  const mayMake = isAtLeast("manager");
  const { view = "list" } = useSearch({ strict: false }) as { view?: View };
  const views: { key: View; name: string }[] = [
    { key: "list", name: t("nav.workflows") },
    ...(mayMake ? [{ key: "templates" as const, name: t("workflows.templates") }] : []),
    { key: "runs", name: t("runs.heading") },
  ];
  return (
    <Page
      heading={t("nav.workflows")}
      intro={t("workflows.intro")}
      actions={mayMake && (
        <Link to="/workflows/$workflowId" params={{ workflowId: "new" }} className="button button-main">
          <Plus />
          {t("workflows.new")}
        </Link>
      )}
    >
      <Views label={t("document.views")} views={views} current={view} onChoose={(next) => void navigate({ to: "/workflows", search: next === "list" ? {} : { view: next }, replace: true })} />
      {view === "runs" ? <WorkflowRunList /> : view === "templates" ? <Templates /> : (
        <Listing
          queryKey={["workflows", "list"]}
          read={(query, signal) => data(api.GET("/api/v1/workflows", { params: { query }, signal }))}
          empty={mayMake ? (
            <>
              {t("workflows.empty")}{" "}
              <Link to="/workflows" search={{ view: "templates" }} className="font-medium text-accent underline underline-offset-4">{t("workflows.templates")}</Link>
            </>
          ) : t("workflows.emptyReader")}
          row={(workflow) => (
            <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
              <div className="min-w-0 basis-80 grow">
                <Link to="/workflows/$workflowId" params={{ workflowId: workflow.id }} className="font-medium wrap-anywhere underline-offset-4 hover:underline">{workflow.name}</Link>
                <p className="wrap-anywhere">{workflow.description}</p>
                <p className="text-sm text-soft wrap-anywhere">{[workflow.slug, t("place.version", { version: workflow.version }), t("workflows.nodes", { count: workflow.node_count })].join(" · ")}</p>
              </div>
              <Link to="/workflows/$workflowId" params={{ workflowId: workflow.id }} search={{ view: "start" }} className="button button-line text-sm">{t("agents.run")}</Link>
            </div>
          )}
        />
      )}
    </Page>
  );
}

function Templates() {
  const { t } = useTranslation();
  const words = useTemplateWords();
  const [chosen, setChosen] = useState<WorkflowTemplate | null>(null);
  const { data: templates, error, refetch } = useQuery({
    queryKey: ["workflows", "templates"],
    queryFn: () => data(api.GET("/api/v1/workflows/templates", { params: { query: { limit: 100 } } })),
  });
  if (error !== null) return <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />;
  if (templates === undefined) return <div className="skeleton h-40" />;
  return (
    <>
      <ul className="grid gap-4 sm:grid-cols-2">
        {templates.data.map((template) => (
          <li key={template.template} className="rounded-xl border border-line bg-sheet p-4">
            <h2 className="font-serif text-lg font-semibold">{words(template).name}</h2>
            <p className="mt-1 mb-3 text-soft">{words(template).description}</p>
            <button type="button" className="button button-line text-sm" onClick={() => setChosen(template)}>{t("workflows.use")}</button>
          </li>
        ))}
      </ul>
      {chosen !== null && <FromTemplate template={chosen} onClose={() => setChosen(null)} />}
    </>
  );
}

function FromTemplate({ template, onClose }: { template: WorkflowTemplate; onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { name } = useTemplateWords()(template);
  const [slug, setSlug] = useState(template.template);
  async function make(): Promise<void> {
    const made = await data(api.POST("/api/v1/workflows", { body: { slug: slug.trim(), template: template.template } }));
    await queries.invalidateQueries({ queryKey: ["workflows"] });
    await navigate({ to: "/workflows/$workflowId", params: { workflowId: made.id } });
  }
  return (
    <Dialog heading={name} onClose={onClose}>
      <Form action={t("workflows.make")} onSend={make}>
        <TextField label={t("field.slug")} hint={t("field.slugHint")} value={slug} onChange={setSlug} maxLength={64} />
      </Form>
    </Dialog>
  );
}
