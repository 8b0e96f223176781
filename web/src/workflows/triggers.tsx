import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { Problem } from "~/api/problem";
import type { Trigger, TriggerCreate, Workflow } from "~/api/schemas";
import { moment } from "~/kit/format";
import { useAttempt } from "~/ui/attempt";
import { CheckField, ChoiceField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";

/** Triggers that start a workflow by itself. */
export function Triggers({ workflow }: { workflow: Workflow }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const refresh = () => queries.invalidateQueries({ queryKey: ["workflows", "triggers"] });
  const path = (trigger: Trigger) => ({ workflow_id: workflow.id, trigger_id: trigger.id });

  async function turn(trigger: Trigger): Promise<void> {
    const body = { is_enabled: !trigger.is_enabled };
    await attempt(() => api.PATCH("/api/v1/workflows/{workflow_id}/triggers/{trigger_id}", { params: { path: path(trigger) }, body }));
    await refresh();
  }

  async function remove(trigger: Trigger): Promise<void> {
    if (await attempt(() => api.DELETE("/api/v1/workflows/{workflow_id}/triggers/{trigger_id}", { params: { path: path(trigger) } }))) notify(t("trigger.removed"));
    await refresh();
  }

  return (
    <>
      <Listing
        queryKey={["workflows", "triggers", workflow.id]}
        read={(query, signal) => data(api.GET("/api/v1/workflows/{workflow_id}/triggers", { params: { path: { workflow_id: workflow.id }, query }, signal }))}
        empty={t("trigger.none")}
        row={(trigger) => (
          <div className="flex flex-wrap items-start justify-between gap-3">
            <div className="min-w-0">
              <p className="flex flex-wrap items-center gap-2 font-medium">
                {trigger.kind === "schedule" ? t("trigger.schedule") : t("trigger.document")}
                <Badge tone={trigger.is_enabled ? "good" : "plain"}>{t(trigger.is_enabled ? "trigger.on" : "trigger.off")}</Badge>
              </p>
              <p className="text-sm text-soft wrap-anywhere">
                {[trigger.cron, trigger.timezone, trigger.every, trigger.events.join(", "), trigger.next_at === null ? null : t("trigger.next", { when: moment(trigger.next_at) })].filter((part) => part !== null && part !== "").join(" · ")}
              </p>
              {trigger.last_error !== null && <p className="text-sm text-bad wrap-anywhere">{trigger.last_error}</p>}
            </div>
            <div className="flex gap-1">
              <button type="button" className="button button-bare text-sm" onClick={() => void turn(trigger)}>{t(trigger.is_enabled ? "trigger.turnOff" : "trigger.turnOn")}</button>
              <button type="button" className="button button-bare text-sm" onClick={() => void remove(trigger)}>{t("grant.remove")}</button>
            </div>
          </div>
        )}
      />
      <NewTrigger workflow={workflow} onMade={refresh} />
    </>
  );
}

function NewTrigger({ workflow, onMade }: { workflow: Workflow; onMade: () => Promise<void> }) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<TriggerCreate["kind"]>("schedule");
  const [cron, setCron] = useState("0 8 * * 1");
  const [timezone, setTimezone] = useState(() => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC");
  const [events, setEvents] = useState<readonly ("created" | "updated")[]>(["created", "updated"]);
  const [inputs, setInputs] = useState("{}");

  async function save(): Promise<void> {
    let given: TriggerCreate["inputs"];
    try {
      given = JSON.parse(inputs) as NonNullable<TriggerCreate["inputs"]>;
    } catch {
      throw new Problem("invalid_json", t("trigger.inputsUnreadable"));
    }
    const body: TriggerCreate = kind === "schedule" ? { kind, cron, timezone, inputs: given } : { kind, events: [...events], inputs: given };
    await api.POST("/api/v1/workflows/{workflow_id}/triggers", { params: { path: { workflow_id: workflow.id } }, body });
    notify(t("action.saved"));
    await onMade();
  }

  return (
    <section className="mt-6 max-w-2xl rounded-xl border border-line bg-sheet p-4">
      <h2 className="mb-3 font-semibold">{t("trigger.new")}</h2>
      <Form action={t("trigger.add")} onSend={save}>
        <ChoiceField label={t("trigger.kind")} value={kind} onChange={setKind} options={[{ value: "schedule", name: t("trigger.schedule") }, { value: "document", name: t("trigger.document") }]} />
        {kind === "schedule" ? (
          <div className="grid gap-4 sm:grid-cols-2">
            <TextField label={t("trigger.cron")} hint={t("trigger.cronHint")} value={cron} onChange={setCron} isCode />
            <TextField label={t("trigger.zone")} value={timezone} onChange={setTimezone} />
          </div>
        ) : (
          <div>
            {(["created", "updated"] as const).map((each) => (
              <CheckField key={each} label={t(each === "created" ? "trigger.created" : "trigger.updated")} isOn={events.includes(each)} onChange={(isOn) => setEvents(isOn ? [...events, each] : events.filter((other) => other !== each))} />
            ))}
          </div>
        )}
        <TextField label={t("trigger.inputs")} hint={t("trigger.inputsHint", { names: Object.keys(workflow.inputs).join(", ") || "–" })} value={inputs} onChange={setInputs} isCode rows={3} />
      </Form>
    </section>
  );
}
