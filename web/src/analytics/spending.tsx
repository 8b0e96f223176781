import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Key } from "~/i18n/key";
import { money, number } from "~/kit/format";
import { ChoiceField } from "~/ui/fields";
import { ProblemNote } from "~/ui/problem-note";

import type { Days } from "./analytics-page";
import { FiguresTable } from "./figures-table";
import { SaveFile } from "~/ui/save-file";

const BY = { user: "spending.user", group: "spending.group", agent: "spending.agent" } as const satisfies Record<string, Key>;
type By = keyof typeof BY;

/** Questions and spending by person. */
export function Spending({ days }: { days: Days }) {
  const { t } = useTranslation();
  const [by, setBy] = useState<By>("user");
  const { data: found, error, refetch } = useQuery({
    queryKey: ["analytics", "spending", days, by],
    retry: false,
    queryFn: () => data(api.GET("/api/v1/analytics/spending", { params: { query: { ...days, by, limit: 100 } } })),
  });
  const month = days.to.slice(0, 7);
  return (
    <>
      <div className="mb-4 flex flex-wrap items-end justify-between gap-4">
        <ChoiceField label={t("spending.by")} value={by} onChange={setBy} options={(Object.keys(BY) as By[]).map((value) => ({ value, name: t(BY[value] as "spending.user") }))} />
        <div className="flex flex-wrap gap-2">
          <SaveFile path="/api/v1/analytics/export" query={{ ...days, table: `${by}s` }} name={`${by}s.csv`} />
          <SaveFile path="/api/v1/usage/export" query={{ format: "json" }} name={`usage-${month}.json`} label={t("spending.metered")} />
        </div>
      </div>
      {error !== null && <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      {error === null && found === undefined && <div className="skeleton h-64" />}
      {found !== undefined && (
        <FiguresTable
          label={t("analytics.spending")}
          columns={[t(BY[by] as "spending.user"), t(by === "agent" ? "figure.runs" : "figure.questions"), t("figure.input"), t("figure.output"), t("figure.money")]}
          rows={found.data.map((each) => ({
            key: each.id ?? "others",
            cells: [each.name ?? each.id ?? t("spending.unnamed"), number(each.questions), number(each.input_tokens), number(each.output_tokens), money(each.money)],
          }))}
        />
      )}
    </>
  );
}
