import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Workflow, WorkflowValidation } from "~/api/schemas";
import { Field, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { notify } from "~/ui/notices";

import { Graph } from "./graph";
import type { GraphNode } from "./layout";

/** Checked so long after the last key. */
const PAUSE_MS = 400;

const BEGINNING = `name: Answer with a check
description: Searches, and asks a person.
inputs:
  topic: {description: The topic, required: true}
nodes:
  - id: found
    kind: search
    query: "{{ inputs.topic }}"
  - id: ask
    kind: approval
    after: [found]
    message: "{{ found.output.count }} passages about {{ inputs.topic }}. Go on?"
output: "{{ found.output.passages }}"
`;

/** The text of a workflow, checked as it is typed, beside its graph. */
export function SourceEditor({ workflow }: { workflow: Workflow | null }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const area = useRef<HTMLTextAreaElement>(null);
  const [source, setSource] = useState(workflow?.source ?? BEGINNING);
  const [slug, setSlug] = useState("");
  const settled = useSettled(source);
  const { data: checked, error } = useQuery({
    queryKey: ["workflows", "validation", settled],
    enabled: settled.trim() !== "",
    queryFn: ({ signal }) => data(api.POST("/api/v1/workflows/validate", { body: { source: settled, ...(workflow === null ? {} : { slug: workflow.slug }) }, signal })),
    placeholderData: (before) => before,
  });

  async function save(): Promise<void> {
    const saved = workflow === null
      ? await data(api.POST("/api/v1/workflows", { body: { slug: slug.trim(), source } }))
      : await data(api.PATCH("/api/v1/workflows/{workflow_id}", { params: { path: { workflow_id: workflow.id } }, body: { source } }));
    await queries.invalidateQueries({ queryKey: ["workflows"] });
    notify(t("action.saved"));
    if (workflow === null) await navigate({ to: "/workflows/$workflowId", params: { workflowId: saved.id } });
  }

  function jump(line: number): void {
    const lines = source.split("\n");
    const start = lines.slice(0, Math.max(0, line - 1)).join("\n").length + (line > 1 ? 1 : 0);
    area.current?.focus();
    area.current?.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  }

  return (
    <Form action={t("action.save")} onSend={save}>
      {workflow === null && (
        <div className="max-w-md">
          <TextField label={t("field.slug")} hint={t("field.slugHint")} value={slug} onChange={setSlug} maxLength={64} />
        </div>
      )}
      <div className="grid gap-5 lg:grid-cols-2">
        <Field label={t("workflows.source")}>
          {(attributes) => (
          <textarea
            {...attributes}
            ref={area}
            className="field min-h-[26rem] resize-y font-mono text-sm whitespace-pre"
            spellCheck={false}
            wrap="off"
            maxLength={64_000}
            aria-invalid={checked?.is_valid === false}
            value={source}
            onChange={(event) => setSource(event.target.value)}
          />
          )}
        </Field>
        <div className="min-w-0 space-y-4">
          <Verdict checked={checked} problem={error === null ? null : asProblem(error).detail} onJump={jump} />
          {checked?.spec != null && <Graph nodes={nodesOf(checked)} />}
        </div>
      </div>
    </Form>
  );
}

function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

function nodesOf(checked: WorkflowValidation): GraphNode[] {
  return (checked.spec?.nodes ?? []).map((node) => ({ id: node.id, kind: node.kind, after: node.after ?? [] }));
}

function Verdict({ checked, problem, onJump }: { checked: WorkflowValidation | undefined; problem: string | null; onJump: (line: number) => void }) {
  const { t } = useTranslation();
  if (problem !== null) return <p role="alert" className="text-bad">{problem}</p>;
  if (checked === undefined) return <div className="skeleton h-8" />;
  return (
    <div role="status">
      {checked.is_valid ? (
        <p className="font-medium text-good">{t("workflows.valid")}</p>
      ) : (
        <>
          <p className="font-medium text-bad">{t("workflows.faults", { count: checked.problems.length })}</p>
          <ul className="mt-1 space-y-1 text-sm">
            {checked.problems.map((fault, at) => (
              <li key={at}>
                <button type="button" className="text-start underline-offset-4 wrap-anywhere hover:underline" onClick={() => onJump(fault.line)}>
                  <span className="font-semibold">{t("workflows.line", { line: fault.line })}</span> {fault.message}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
