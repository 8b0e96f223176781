import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { UsageFiguresRead } from "~/api/schemas";
import { money, moment, month, number, share, shortDay } from "~/kit/format";
import { ProblemNote } from "~/ui/problem-note";

import { Chart } from "./chart";
import { startsOf, type Bucket, type Days } from "./spans";
import { SaveFile } from "~/ui/save-file";

/** Days up to this many are shown one by one, more by month. */
const MOST_DAYS = 92;
const DAY_MS = 86_400_000;

/** Figures of a period. */
export function UsageFigures({ days }: { days: Days }) {
  const { t } = useTranslation();
  const bucket: Bucket = (Date.parse(days.to) - Date.parse(days.from)) / DAY_MS > MOST_DAYS ? "month" : "day";
  const { data: usage, error, refetch } = useQuery({
    queryKey: ["analytics", "usage", days],
    queryFn: () => data(api.GET("/api/v1/analytics/usage", { params: { query: { ...days, bucket } } })),
  });
  if (error !== null) return <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />;
  if (usage === undefined) return <div className="skeleton h-96" />;
  type Figures = UsageFiguresRead["buckets"][number];
  // The server leaves out what it has no figures of: before the first question, and after the last count.
  const known = new Map(usage.buckets.map((each) => [each.start.slice(0, bucket === "month" ? 7 : 10), each]));
  const all = startsOf(days, bucket).map((start) => ({
    name: bucket === "month" ? month(start) : shortDay(start),
    figures: known.get(start.slice(0, bucket === "month" ? 7 : 10)),
  }));
  const points = (value: (figures: Figures) => number | null) =>
    all.map(({ name, figures }) => ({ name, value: figures === undefined ? null : value(figures) }));
  const count = (value: number) => number(value);
  const milliseconds = (value: number) => t("figure.ms", { value: number(value) });
  return (
    <>
      <Tiles usage={usage} />
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <p className="text-sm text-soft">{usage.counted_until === null ? t("analytics.notCounted") : t("analytics.counted", { when: moment(usage.counted_until) })}</p>
        <SaveFile path="/api/v1/analytics/export" query={{ ...days, table: "usage" }} name="usage.csv" />
      </div>
      <div className="grid gap-4 lg:grid-cols-2">
        <Chart bucket={bucket} heading={t("figure.questions")} points={points((each) => each.questions)} shown={count} />
        <Chart bucket={bucket} heading={t("figure.users")} points={points((each) => each.users)} shown={count} />
        <Chart bucket={bucket} heading={t("figure.unanswered")} points={points((each) => each.unanswered)} shown={count} />
        <Chart bucket={bucket} heading={t("figure.doubtful")} points={points((each) => each.low_confidence)} shown={count} />
        <Chart bucket={bucket} heading={t("figure.rating")} isWhole={false} points={points((each) => each.rating)} shown={(value) => number(value, 1)} />
        <Chart bucket={bucket} heading={t("figure.slowest")} points={points((each) => each.latency_ms.p95)} shown={milliseconds} />
        <Chart bucket={bucket} heading={t("figure.documents")} points={points((each) => each.documents_created + each.documents_updated)} shown={count} />
        <Chart bucket={bucket} heading={t("figure.money")} isWhole={false} points={points((each) => each.money)} shown={money} />
      </div>
    </>
  );
}

function Tiles({ usage }: { usage: UsageFiguresRead }) {
  const { t } = useTranslation();
  const { total } = usage;
  const answered = total.questions === 0 ? null : 1 - total.unanswered / total.questions;
  const tiles: [string, string][] = [
    [t("figure.questions"), number(total.questions)],
    [t("figure.users"), number(usage.users)],
    [t("figure.activeDays"), number(usage.active_days)],
    [t("figure.answered"), answered === null ? "–" : share(answered)],
    [t("figure.rating"), total.rating === null ? "–" : number(total.rating, 1)],
    [t("figure.cached"), total.cache_hit_rate === null ? "–" : share(total.cache_hit_rate)],
    [t("figure.latency"), total.latency_ms.p50 === null ? "–" : [total.latency_ms.p50, total.latency_ms.p95 ?? 0].map((each) => number(each)).join(" / ")],
    [t("figure.tokens"), number(total.input_tokens + total.output_tokens)],
  ];
  return (
    <dl className="mb-5 grid grid-cols-2 gap-3 sm:grid-cols-4">
      {tiles.map(([name, value]) => (
        <div key={name} className="rounded-xl border border-line bg-sheet p-3">
          <dt className="text-sm text-soft">{name}</dt>
          <dd className="font-serif text-2xl font-semibold tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
