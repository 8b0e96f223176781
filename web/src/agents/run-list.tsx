import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { STATUS_NAMES, statusTone } from "~/documents/names";
import { moment, money, number, seconds } from "~/kit/format";
import { Listing } from "~/ui/listing";
import { Badge } from "~/ui/page";

const OPEN = ["queued", "running", "waiting"];

/** One's own runs of agents, newest first; administrators see those of all, without contents. */
export function RunList({ agentId }: { agentId?: string }) {
  const { t } = useTranslation();
  return (
    <Listing
      queryKey={["agent-runs", "list", agentId ?? null]}
      read={(page, signal) => {
        const query = { ...page, ...(agentId === undefined ? {} : { agent_id: agentId }) };
        return data(api.GET("/api/v1/agent-runs", { params: { query }, signal }));
      }}
      isMoving={(run) => OPEN.includes(run.status)}
      empty={t("runs.empty")}
      row={(run) => (
        <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-1">
          <div className="min-w-0 basis-80 grow">
            <Link to="/agent-runs/$runId" params={{ runId: run.id }} className="line-clamp-2 font-medium wrap-anywhere underline-offset-4 hover:underline">{run.input ?? t("runs.withheld")}</Link>
            <p className="text-sm text-soft wrap-anywhere">
              {[run.agent, moment(run.created_at), t("runs.tokens", { tokens: number(run.usage.input_tokens + run.usage.output_tokens) }), seconds(run.usage.seconds), run.usage.money > 0 ? money(run.usage.money) : null].filter((part) => part !== null).join(" · ")}
            </p>
            {run.reason !== null && <p className="text-sm text-bad wrap-anywhere">{run.reason}</p>}
          </div>
          <Badge tone={statusTone(run.status)}>{t((STATUS_NAMES[run.status] ?? "documents.queued") as "documents.ready")}</Badge>
        </div>
      )}
    />
  );
}
