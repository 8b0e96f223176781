import { useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { AuditList } from "~/administration/audit-list";
import { api, data } from "~/api/client";
import type { Document, Job } from "~/api/schemas";
import { duration, moment } from "~/kit/format";
import { useRights } from "~/session/rights";
import { useAttempt } from "~/ui/attempt";
import { Failure, mayHeal } from "~/ui/failure";
import { Listing } from "~/ui/listing";
import { Badge } from "~/ui/page";

import { STATUS_NAMES, statusTone } from "./names";

/** The jobs of a document, and for administrators what people did to it. */
export function Activity({ document }: { document: Document }) {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  return (
    <>
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("job.heading")}</h2>
      <Listing
        queryKey={["documents", "jobs", document.id]}
        read={(query, signal) => data(api.GET("/api/v1/jobs", { params: { query: { ...query, document_id: document.id } }, signal }))}
        isMoving={isOpen}
        row={(job) => <JobRow job={job} filename={document.filename} />}
        empty={t("job.none")}
      />
      {isAdmin && (
        <>
          <h2 className="mt-8 mb-2 font-serif text-xl font-semibold">{t("document.history")}</h2>
          <AuditList filters={{ object_id: document.id }} />
        </>
      )}
    </>
  );
}

function isOpen(job: Job): boolean {
  return job.status === "queued" || job.status === "running";
}

function JobRow({ job, filename }: { job: Job; filename: string }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const path = { job_id: job.id };
  const { progress } = job;

  async function act(action: "cancel" | "retry"): Promise<void> {
    await attempt(() => (action === "cancel" ? api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path } }) : api.POST("/api/v1/jobs/{job_id}/retry", { params: { path } })));
    await queries.invalidateQueries({ queryKey: ["documents"] });
  }

  const facts = [
    moment(job.created_at),
    t("job.attempts", { count: job.attempts }),
    duration(job.started_at, job.finished_at),
    progress === null ? null : progress.stage === "parsing"
      ? t("upload.parsing", { count: progress.total === null ? String(progress.done) : `${progress.done} / ${progress.total}` })
      : t("upload.embedding", { count: progress.total === null ? String(progress.done) : `${progress.done} / ${progress.total}` }),
  ];
  return (
    <div className="flex flex-wrap items-start justify-between gap-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          {job.version === null ? job.kind : t("job.ofVersion", { version: job.version })}
          <Badge tone={statusTone(job.status)}>{t((STATUS_NAMES[job.status] ?? "documents.queued") as "documents.ready")}</Badge>
        </p>
        <p className="text-sm text-soft wrap-anywhere">{facts.filter((fact) => fact !== null).join(" · ")}</p>
        {job.reason !== null && <Failure code={job.code} detail={job.reason} filename={filename} />}
      </div>
      {isOpen(job) && <button type="button" className="button button-line text-sm" onClick={() => void act("cancel")}>{t("action.cancel")}</button>}
      {(job.status === "cancelled" || (job.status === "failed" && mayHeal(job.code))) && (
        <button type="button" className="button button-line text-sm" onClick={() => void act("retry")}>{t("action.retry")}</button>
      )}
    </div>
  );
}
