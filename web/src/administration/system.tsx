import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import { STATUS_NAMES } from "~/documents/names";
import { number } from "~/kit/format";
import { useRights } from "~/session/rights";
import { Badge } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { Errors } from "./errors";

const REFRESH_MS = 5_000;
const QUEUE = ["queued", "running", "failed"] as const;

/** Whether the server is well, what waits in the queue, and which version runs. */
export function System() {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  const { data: live, error } = useQuery({
    queryKey: ["system", "live"],
    refetchInterval: REFRESH_MS,
    queryFn: () => data(api.GET("/api/v1/health/live")),
  });
  const { data: ready } = useQuery({
    queryKey: ["system", "ready"],
    refetchInterval: REFRESH_MS,
    queryFn: () => data(api.GET("/api/v1/health/ready")),
  });
  const { data: queue } = useQuery({
    queryKey: ["system", "queue"],
    refetchInterval: REFRESH_MS,
    queryFn: async () => {
      const counts = QUEUE.map(async (status) => {
        const found = await data(api.GET("/api/v1/jobs", { params: { query: { status, limit: 1 } } }));
        return [status, found.pagination.total] as const;
      });
      return Promise.all(counts);
    },
  });
  if (error !== null) return <ProblemNote problem={asProblem(error)} />;
  if (live === undefined || ready === undefined) return <div className="skeleton h-48" />;
  const isWell = ready.status === "ok";
  return (
    <div className="space-y-7">
      <section>
        <h2 className="mb-2 font-serif text-xl font-semibold">{t("system.health")}</h2>
        <p><Badge tone={isWell ? "good" : "bad"}>{t(isWell ? "system.well" : "system.degraded")}</Badge></p>
        {ready.failing.length > 0 && (
          <ul className="mt-2 list-disc ps-5">
            {ready.failing.map((each) => <li key={each.task} className="wrap-anywhere">{t("system.failing", { task: each.task, count: each.failures })}</li>)}
          </ul>
        )}
      </section>
      <section>
        <h2 className="mb-2 font-serif text-xl font-semibold">{t("system.queue")}</h2>
        <p className="mb-2 text-sm text-soft">{t("system.queueHint")}</p>
        {queue === undefined ? <div className="skeleton h-16" /> : (
          <dl className="flex flex-wrap gap-4">
            {queue.map(([status, count]) => (
              <div key={status} className="min-w-28 rounded-xl border border-line bg-sheet p-4">
                <dt className="text-sm text-soft">{t((STATUS_NAMES[status] ?? "documents.queued") as "documents.ready")}</dt>
                <dd className="font-serif text-2xl font-semibold tabular-nums">{number(count)}</dd>
              </div>
            ))}
          </dl>
        )}
      </section>
      {isAdmin && <Errors />}
      <section>
        <h2 className="mb-2 font-serif text-xl font-semibold">{t("system.version")}</h2>
        <p>Citewell {live["version"]}</p>
      </section>
    </div>
  );
}
