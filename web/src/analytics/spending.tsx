import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Key } from "~/i18n/key";
import { money, number } from "~/kit/format";
import { useRights } from "~/session/rights";
import { ChoiceField } from "~/ui/fields";
import { ProblemNote } from "~/ui/problem-note";

import { FiguresTable } from "./figures-table";
import type { Days } from "./spans";
import { SaveFile } from "~/ui/save-file";

const BY = { user: "spending.user", group: "spending.group", agent: "spending.agent" } as const satisfies Record<string, Key>;
type By = keyof typeof BY;

/** The problem of an organisation whose question log does not tell who asked: of users and of groups alike. */
const HIDDEN = "people_hidden";

/** Questions and spending by user, group or agent; by agent alone where nobody is told who asked. */
export function Spending({ days }: { days: Days }) {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  const [chosen, setChosen] = useState<By>("user");
  const spent = (by: By) => ({
    queryKey: ["analytics", "spending", days, by],
    retry: false,
    queryFn: () => data(api.GET("/api/v1/analytics/spending", { params: { query: { ...days, by, limit: 100 } } })),
  });
  // Whether the organisation lets anybody see who asked is told by what it says of users.
  const users = useQuery(spent("user"));
  const isHidden = users.error !== null && asProblem(users.error).code === HIDDEN;
  const by = isHidden ? "agent" : chosen;
  const { data: found, error, refetch } = useQuery({ ...spent(by), enabled: !users.isPending });
  const month = days.to.slice(0, 7);
  return (
    <>
      {isHidden && (
        <p className="mb-4 max-w-[44rem] text-soft">
          {t("spending.hidden")}{" "}
          {isAdmin && <Link to="/administration" search={{ view: "settings" }} className="text-accent underline underline-offset-4">{t("spending.hiddenWhere")}</Link>}
        </p>
      )}
      <div className="mb-4 flex flex-wrap items-end justify-between gap-4">
        {isHidden ? <h2 className="font-serif text-xl font-semibold">{t("spending.byAgent")}</h2> : (
          <ChoiceField label={t("spending.by")} value={by} onChange={setChosen} options={(Object.keys(BY) as By[]).map((value) => ({ value, name: t(BY[value] as "spending.user") }))} />
        )}
        <div className="flex flex-wrap gap-2">
          <SaveFile path="/api/v1/analytics/export" query={{ ...days, table: `${by}s` }} name={`${by}s.csv`} />
          <SaveFile path="/api/v1/usage/export" query={{ format: "json" }} name={`usage-${month}.json`} label={t("spending.metered")} />
        </div>
      </div>
      {error !== null && <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      {error === null && found === undefined && <div className="skeleton h-64" />}
      {found?.data.length === 0 && <p className="rounded-xl border border-dashed border-edge px-5 py-6 text-soft">{t("spending.none")}</p>}
      {found !== undefined && found.data.length > 0 && (
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
