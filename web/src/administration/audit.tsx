import { useState } from "react";
import { useTranslation } from "react-i18next";

import { problemOf } from "~/api/problem";
import { saveOriginal } from "~/reader/original";
import { authorisedFetch } from "~/session/session";
import { useAttempt } from "~/ui/attempt";
import { TextField } from "~/ui/fields";

import { AuditList, type AuditFilters } from "./audit-list";

/** Ids are told apart from half-typed ones, which the server would refuse. */
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The audit trail with its filters, and its export. */
export function Audit() {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const [action, setAction] = useState("");
  const [actor, setActor] = useState("");
  const [object, setObject] = useState("");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const filters: AuditFilters = {
    ...(action.trim() === "" ? {} : { action: action.trim() }),
    ...(UUID.test(actor.trim()) ? { actor_id: actor.trim() } : {}),
    ...(UUID.test(object.trim()) ? { object_id: object.trim() } : {}),
    ...(from === "" ? {} : { from: new Date(from).toISOString() }),
    ...(to === "" ? {} : { to: new Date(to).toISOString() }),
  };

  async function save(format: "ndjson" | "csv"): Promise<void> {
    await attempt(async () => {
      const address = new URL("/api/v1/audit/export", location.origin);
      for (const [name, value] of Object.entries({ ...filters, format })) address.searchParams.set(name, value);
      const reply = await authorisedFetch(new Request(address));
      if (!reply.ok) throw await problemOf(reply);
      saveOriginal(await reply.blob(), `audit.${format}`);
    });
  }

  return (
    <>
      <div className="mb-5 grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
        <TextField label={t("audit.action")} hint={t("audit.actionHint")} value={action} onChange={setAction} isOptional isCode />
        <TextField label={t("audit.actor")} value={actor} onChange={setActor} isOptional isCode />
        <TextField label={t("audit.object")} value={object} onChange={setObject} isOptional isCode />
        <TextField label={t("audit.from")} type="datetime-local" value={from} onChange={setFrom} isOptional />
        <TextField label={t("audit.to")} type="datetime-local" value={to} onChange={setTo} isOptional />
        <div className="flex flex-wrap items-end gap-2">
          <button type="button" className="button button-line" onClick={() => void save("csv")}>{t("audit.csv")}</button>
          <button type="button" className="button button-line" onClick={() => void save("ndjson")}>{t("audit.json")}</button>
        </div>
      </div>
      <AuditList filters={filters} onOnly={(filter, id) => (filter === "actor" ? setActor : setObject)(id)} />
    </>
  );
}
