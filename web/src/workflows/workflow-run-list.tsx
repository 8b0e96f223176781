import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { STATUS_NAMES, statusTone } from "~/documents/names";
import { duration, moment } from "~/kit/format";
import { Listing } from "~/ui/listing";
import { Badge } from "~/ui/page";

/** Runs of workflows, newest first. */
export function WorkflowRunList({ workflowId }: { workflowId?: string }) {
  const { t } = useTranslation();
  return (
    <Listing
      queryKey={["workflow-runs", "list", workflowId ?? null]}
      read={(page, signal) => {
        const query = { ...page, ...(workflowId === undefined ? {} : { workflow_id: workflowId }) };
        return data(api.GET("/api/v1/workflow-runs", { params: { query }, signal }));
      }}
      isMoving={(run) => ["queued", "running", "waiting"].includes(run.status)}
      empty={t("runs.emptyWorkflow")}
      row={(run) => (
        <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-1">
          <div className="min-w-0 basis-80 grow">
            <Link to="/workflow-runs/$runId" params={{ runId: run.id }} className="font-medium wrap-anywhere underline-offset-4 hover:underline">{run.workflow} · {moment(run.created_at)}</Link>
            <p className="text-sm text-soft">{[t("place.version", { version: run.workflow_version }), duration(run.started_at, run.finished_at)].filter((part) => part !== null).join(" · ")}</p>
            {run.reason !== null && <p className="text-sm text-bad wrap-anywhere">{run.reason}</p>}
          </div>
          <Badge tone={statusTone(run.status)}>{t((STATUS_NAMES[run.status] ?? "documents.queued") as "documents.ready")}</Badge>
        </div>
      )}
    />
  );
}
