import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { UsageMetric } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { moment, money, number, size } from "~/kit/format";
import { ProblemNote } from "~/ui/problem-note";

const METRICS: Record<UsageMetric["metric"], Key> = {
  users: "metric.users",
  collections: "metric.collections",
  documents: "metric.documents",
  stored_bytes: "metric.bytes",
  agents: "metric.agents",
  queries: "metric.queries",
  model_tokens: "metric.tokens",
  model_cost: "metric.cost",
};

/** The organisation's usage against its plan. */
export function Usage() {
  const { t } = useTranslation();
  const { data: usage, error, refetch } = useQuery({ queryKey: ["usage"], queryFn: () => data(api.GET("/api/v1/usage")) });
  if (error !== null) return <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />;
  if (usage === undefined) return <div className="skeleton h-64" />;
  return (
    <>
      <p className="mb-4 text-soft">{t("usage.plan", { plan: usage.plan })}</p>
      <ul className="grid gap-4 sm:grid-cols-2">
        {usage.usage.map((each) => <Metric key={each.metric} metric={each} />)}
      </ul>
    </>
  );
}

function Metric({ metric }: { metric: UsageMetric }) {
  const { t } = useTranslation();
  const shown = (value: number) => {
    if (metric.metric === "model_cost") return money(value / 1e6);
    return metric.metric === "stored_bytes" ? size(value) : number(value);
  };
  const part = metric.limit === null || metric.limit === 0 ? null : Math.min(1, metric.used / metric.limit);
  const tone = part !== null && part >= 0.9 ? "text-bad" : "";
  const name = t(METRICS[metric.metric] as "metric.users");
  return (
    <li className="rounded-xl border border-line bg-sheet p-4">
      <p className="text-sm text-soft">{name}</p>
      <p className={`mt-0.5 font-serif text-2xl font-semibold tabular-nums ${tone}`}>{shown(metric.used)}</p>
      <p className="text-sm text-soft">
        {metric.limit === null ? t("usage.unlimited") : t("usage.of", { limit: shown(metric.limit) })}
        {metric.resets_at !== null && ` · ${t("usage.resets", { when: moment(metric.resets_at) })}`}
      </p>
      {part !== null && <progress className="mt-2 block h-1.5 w-full overflow-hidden rounded-full bg-wash accent-accent" max={1} value={part} aria-label={name} />}
    </li>
  );
}
