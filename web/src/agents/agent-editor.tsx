import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { Problem } from "~/api/problem";
import type { Agent, AgentDefinition } from "~/api/schemas";
import { CheckField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { notify } from "~/ui/notices";

import { TOOLS } from "./tools";

interface Props {
  /** Null for a new one. */
  agent: Agent | null;
  /** Initial values of the fields. */
  definition: AgentDefinition | null;
}

/** A definition as it is typed. */
interface Draft {
  slug: string;
  name: string;
  description: string;
  instructions: string;
  tools: readonly string[];
  model: string;
  temperature: string;
  collectionIds: readonly string[] | null;
  steps: string;
  tokens: string;
  seconds: string;
  money: string;
  schema: string;
}

function draftOf(definition: AgentDefinition | null): Draft {
  const limits = definition?.limits ?? {};
  return {
    slug: "",
    name: definition?.name ?? "",
    description: definition?.description ?? "",
    instructions: definition?.instructions ?? "",
    tools: definition?.tools ?? ["search_documents", "read_document"],
    model: definition?.model ?? "",
    temperature: definition?.temperature == null ? "" : String(definition.temperature),
    collectionIds: definition?.collection_ids ?? null,
    steps: String(limits.steps ?? 12),
    tokens: String(limits.tokens ?? 200_000),
    seconds: String(limits.seconds ?? 300),
    money: limits.money == null ? "" : String(limits.money),
    schema: definition?.answer_schema == null ? "" : JSON.stringify(definition.answer_schema, null, 2),
  };
}

/** The definition that was typed. */
function definitionOf(draft: Draft, unreadable: string): AgentDefinition {
  let schema: NonNullable<AgentDefinition["answer_schema"]> | null = null;
  if (draft.schema.trim() !== "") {
    try {
      schema = JSON.parse(draft.schema) as NonNullable<typeof schema>;
    } catch {
      throw new Problem("invalid_json", unreadable);
    }
  }
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    instructions: draft.instructions,
    tools: [...draft.tools],
    model: draft.model.trim() || null,
    temperature: draft.temperature === "" ? null : Number(draft.temperature),
    collection_ids: draft.collectionIds === null ? null : [...draft.collectionIds],
    limits: {
      steps: Number(draft.steps), tokens: Number(draft.tokens), seconds: Number(draft.seconds),
      money: draft.money === "" ? null : Number(draft.money),
    },
    answer_schema: schema,
  };
}

/** Writes a new agent, or a new version of one. */
export function AgentEditor({ agent, definition }: Props) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [draft, setDraft] = useState(() => draftOf(definition));
  const set = (part: Partial<Draft>) => setDraft((now) => ({ ...now, ...part }));
  const isFixed = agent?.is_built_in ?? false;

  async function save(): Promise<void> {
    const body = definitionOf(draft, t("agents.schemaUnreadable"));
    const saved = agent === null
      ? await data(api.POST("/api/v1/agents", { body: { ...body, slug: draft.slug.trim() } }))
      : await data(api.PATCH("/api/v1/agents/{agent_id}", { params: { path: { agent_id: agent.id } }, body }));
    await queries.invalidateQueries({ queryKey: ["agents"] });
    notify(t("action.saved"));
    if (agent === null) await navigate({ to: "/agents/$agentId", params: { agentId: saved.id } });
  }

  return (
    <div className="max-w-3xl">
      {isFixed && <p className="mb-4 rounded-lg bg-wash px-3 py-2 text-sm">{t("agents.fixed")}</p>}
      <Form action={t("action.save")} onSend={save} isDisabled={isFixed}>
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={t("field.name")} value={draft.name} onChange={(name) => set({ name })} maxLength={200} />
          {agent === null && <TextField label={t("field.slug")} hint={t("field.slugHint")} value={draft.slug} onChange={(slug) => set({ slug })} maxLength={64} />}
        </div>
        <TextField label={t("field.description")} value={draft.description} onChange={(description) => set({ description })} isOptional rows={2} />
        <TextField label={t("agents.instructions")} hint={t("agents.instructionsHint")} value={draft.instructions} onChange={(instructions) => set({ instructions })} rows={8} />
        <fieldset>
          <legend className="mb-1 font-medium">{t("agents.itsTools")}</legend>
          <div className="grid gap-x-6 sm:grid-cols-2">
            {Object.entries(TOOLS).map(([name, key]) => (
              <CheckField
                key={name}
                label={t(key as "tool.search")}
                isOn={draft.tools.includes(name)}
                onChange={(isOn) => set({ tools: isOn ? [...draft.tools, name] : draft.tools.filter((each) => each !== name) })}
              />
            ))}
          </div>
        </fieldset>
        <Scope chosen={draft.collectionIds} onChange={(collectionIds) => set({ collectionIds })} />
        <fieldset>
          <legend className="mb-1 font-medium">{t("agents.limits")}</legend>
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField label={t("agents.steps")} type="number" min={1} max={50} value={draft.steps} onChange={(steps) => set({ steps })} />
            <TextField label={t("agents.tokens")} type="number" min={1000} max={5_000_000} value={draft.tokens} onChange={(tokens) => set({ tokens })} />
            <TextField label={t("agents.seconds")} type="number" min={1} max={3600} value={draft.seconds} onChange={(value) => set({ seconds: value })} />
            <TextField label={t("agents.money")} type="number" min={0} max={1000} step="any" value={draft.money} onChange={(money) => set({ money })} isOptional />
          </div>
        </fieldset>
        <details>
          <summary className="w-fit font-medium">{t("agents.more")}</summary>
          <div className="mt-3 space-y-4">
            <div className="grid gap-4 sm:grid-cols-2">
              <TextField label={t("agents.model")} hint={t("agents.modelHint")} value={draft.model} onChange={(model) => set({ model })} isOptional />
              <TextField label={t("agents.temperature")} type="number" min={0} max={2} step="any" value={draft.temperature} onChange={(temperature) => set({ temperature })} isOptional />
            </div>
            <TextField label={t("agents.schema")} hint={t("agents.schemaHint")} value={draft.schema} onChange={(schema) => set({ schema })} isOptional isCode rows={6} />
          </div>
        </details>
      </Form>
    </div>
  );
}

function Scope({ chosen, onChange }: { chosen: readonly string[] | null; onChange: (ids: readonly string[] | null) => void }) {
  const { t } = useTranslation();
  const { data: collections = [] } = useQuery({
    queryKey: ["collections"],
    queryFn: async () => (await data(api.GET("/api/v1/collections", { params: { query: { limit: 100 } } }))).data,
  });
  return (
    <fieldset>
      <legend className="mb-1 font-medium">{t("agents.scope")}</legend>
      <CheckField label={t("ask.everywhere")} isOn={chosen === null} onChange={(isOn) => onChange(isOn ? null : [])} />
      {chosen !== null && (
        <div className="grid gap-x-6 ps-6 sm:grid-cols-2">
          {collections.map(({ id, name }) => (
            <CheckField key={id} label={name} isOn={chosen.includes(id)} onChange={(isOn) => onChange(isOn ? [...chosen, id] : chosen.filter((each) => each !== id))} />
          ))}
        </div>
      )}
    </fieldset>
  );
}
