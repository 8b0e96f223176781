import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { moment } from "~/kit/format";
import { UserName } from "~/sharing/names";
import { Listing } from "~/ui/listing";

export interface AuditFilters {
  actor_id?: string;
  object_id?: string;
  action?: string;
  from?: string;
  to?: string;
}

/** Who did what, newest first. */
export function AuditList({ filters }: { filters: AuditFilters }) {
  const { t } = useTranslation();
  return (
    <Listing
      queryKey={["audit", filters]}
      limit={50}
      read={(page, signal) => data(api.GET("/api/v1/audit", { params: { query: { ...page, ...filters } }, signal }))}
      empty={t("audit.none")}
      row={(event) => (
        <div className="grid gap-x-4 gap-y-0.5 sm:grid-cols-[11rem_1fr]">
          <p className="text-sm text-soft tabular-nums">{moment(event.at)}</p>
          <div className="min-w-0">
            <p className="flex flex-wrap gap-x-2 font-medium wrap-anywhere">
              <code className="font-mono text-[0.93em]">{event.action}</code>
              <span className="font-normal text-soft">{event.actor_kind === "user" ? <UserName id={event.actor_id} /> : event.actor_kind}</span>
            </p>
            <p className="text-sm text-soft wrap-anywhere">
              {[event.object_kind, event.object_id, event.address].filter((part) => part !== null && part !== "").join(" · ")}
            </p>
            {Object.keys(event.details).length > 0 && (
              <p className="font-mono text-[0.8rem] text-soft wrap-anywhere">{JSON.stringify(event.details)}</p>
            )}
          </div>
        </div>
      )}
    />
  );
}
