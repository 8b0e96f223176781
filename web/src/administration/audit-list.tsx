import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { moment } from "~/kit/format";
import { Listing } from "~/ui/listing";

export interface AuditFilters {
  actor_id?: string;
  object_id?: string;
  action?: string;
  from?: string;
  to?: string;
}

interface AuditListProps {
  filters: AuditFilters;
  /** Called with the id of an actor or object that the list shall be narrowed to. */
  onOnly?: (filter: "actor" | "object", id: string) => void;
}

/** The audit log, newest first. */
export function AuditList({ filters, onOnly }: AuditListProps) {
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
              <Named name={event.actor_name ?? event.actor_kind} id={event.actor_id} onOnly={onOnly && ((id) => onOnly("actor", id))} />
            </p>
            <p className="flex flex-wrap gap-x-2 text-sm text-soft wrap-anywhere">
              {event.object_kind !== null && <span>{event.object_kind}</span>}
              {event.object_id !== null && (
                <Named name={event.object_name ?? event.object_id} id={event.object_id} onOnly={onOnly && ((id) => onOnly("object", id))} />
              )}
              {event.address !== null && <span>{event.address}</span>}
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

interface NamedProps {
  name: string;
  id: string | null;
  onOnly: ((id: string) => void) | undefined;
}

/** A name with its id on hover; in the whole trail a button that narrows the list to it. */
function Named({ name, id, onOnly }: NamedProps) {
  const { t } = useTranslation();
  if (id === null) return <span className="font-normal text-soft">{name}</span>;
  if (onOnly === undefined) return <span className="font-normal text-soft" title={id}>{name}</span>;
  return (
    <button type="button" className="min-h-6 cursor-pointer text-start font-normal text-soft underline decoration-dotted underline-offset-2 hover:text-ink" title={id} aria-label={t("audit.only", { name })} onClick={() => onOnly(id)}>
      {name}
    </button>
  );
}
