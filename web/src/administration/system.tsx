import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import { STATUS_NAMES } from "~/documents/names";
import type { Key } from "~/i18n/key";
import { number } from "~/kit/format";
import { useRights } from "~/session/rights";
import { Badge } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { Errors } from "./errors";

const REFRESH_MS = 5_000;
const WHOLE = { ok: "system.well", degraded: "system.degraded", unavailable: "system.broken" } as const;
const STATES = { ok: "system.fine", degraded: "system.limited", unavailable: "system.unavailable" } as const;
const TONES = { ok: "good", degraded: "doubt", unavailable: "bad" } as const;
const PARTS: Record<string, Key> = {
  database: "system.database",
  files: "system.files",
  disk: "system.disk",
  "shared cache": "system.cache",
  backups: "system.backups",
  mail: "system.mail",
};
const QUEUE = ["queued", "running", "failed"] as const;

/** Whether the server is well, what waits in the queue, and which version runs. */
export function System() {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  const { data: health, error } = useQuery({
    queryKey: ["system", "health"],
    refetchInterval: REFRESH_MS,
    queryFn: () => data(api.GET("/api/v1/health")),
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
  if (health === undefined) return <div className="skeleton h-48" />;
  return (
    <div className="space-y-7">
      <section>
        <h2 className="mb-2 font-serif text-xl font-semibold">{t("system.health")}</h2>
        <p><Badge tone={TONES[health.status]}>{t(WHOLE[health.status])}</Badge></p>
        <table className="mt-3 w-full max-w-2xl text-start text-sm">
          <caption className="sr-only">{t("system.parts")}</caption>
          <thead className="text-soft">
            <tr>
              {(["system.part", "system.state", "system.latency", "system.reason"] as const).map((key) => (
                <th key={key} scope="col" className="py-1.5 pe-4 text-start font-normal">{t(key)}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {health.dependencies.map((each) => (
              <tr key={each.name} className="border-t border-line">
                <th scope="row" className="py-1.5 pe-4 text-start font-medium">{t(PARTS[each.name] ?? "system.otherPart", { name: each.name })}</th>
                <td className="py-1.5 pe-4"><Badge tone={TONES[each.status]}>{t(STATES[each.status])}</Badge></td>
                <td className="py-1.5 pe-4 tabular-nums">{each.latency_ms > 0 ? t("system.ms", { ms: number(each.latency_ms) }) : ""}</td>
                <td lang="en" className="py-1.5 wrap-anywhere">{each.reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {health.failing.length > 0 && (
          <ul className="mt-2 list-disc ps-5">
            {health.failing.map((each) => <li key={each.task} className="wrap-anywhere">{t("system.failing", { task: each.task, count: each.failures })}</li>)}
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
        <FailedDocuments />
      </section>
      {isAdmin && <Errors />}
      <section>
        <h2 className="mb-2 font-serif text-xl font-semibold">{t("system.version")}</h2>
        <p>Citewell {health.version}</p>
        {isAdmin && (
          <p className="mt-2">
            <Link to="/operator" className="text-accent underline underline-offset-4">{t("system.operator")}</Link>
          </p>
        )}
      </section>
    </div>
  );
}

/** The documents that are not ready, which is another number than that of failed jobs: those are of versions. */
function FailedDocuments() {
  const { t } = useTranslation();
  const { data: count = 0 } = useQuery({
    queryKey: ["documents", "failed"],
    refetchInterval: REFRESH_MS,
    queryFn: async ({ signal }) => (await data(api.GET("/api/v1/documents", { params: { query: { status: "failed", limit: 1 } }, signal }))).pagination.total,
  });
  if (count === 0) return null;
  return (
    <p className="mt-3">
      <Link to="/documents" search={{ status: "failed" }} className="text-accent underline underline-offset-4">{t("system.failedDocuments", { count })}</Link>
    </p>
  );
}
