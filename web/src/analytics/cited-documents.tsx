import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Key } from "~/i18n/key";
import { number } from "~/kit/format";
import { ChoiceField } from "~/ui/fields";
import { ProblemNote } from "~/ui/problem-note";

import { FiguresTable } from "./figures-table";
import type { Days } from "./spans";
import { SaveFile } from "~/ui/save-file";

const KINDS = { most_cited: "cited.most", never_cited: "cited.never" } as const satisfies Record<string, Key>;
type Kind = keyof typeof KINDS;

/** Documents that one may read, by how often answers cite them. */
export function CitedDocuments({ days }: { days: Days }) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<Kind>("most_cited");
  const { data: found, error, refetch } = useQuery({
    queryKey: ["analytics", "documents", days, kind],
    queryFn: () => data(api.GET("/api/v1/analytics/documents", { params: { query: { ...days, kind, limit: 50 } } })),
  });
  return (
    <>
      <div className="mb-4 flex flex-wrap items-end justify-between gap-4">
        <ChoiceField label={t("log.show")} value={kind} onChange={setKind} options={(Object.keys(KINDS) as Kind[]).map((value) => ({ value, name: t(KINDS[value] as "log.all") }))} />
        <SaveFile path="/api/v1/analytics/export" query={{ ...days, table: "documents" }} name="documents.csv" />
      </div>
      {error !== null && <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      {error === null && found === undefined && <div className="skeleton h-64" />}
      {found !== undefined && (
        <>
          <p className="mb-2 text-sm text-soft">{t("cited.count", { count: found.total })}</p>
          {found.data.length > 0 && (
            <FiguresTable
              label={t("analytics.documents")}
              columns={[t("figure.document"), t("figure.citing")]}
              rows={found.data.map((each) => ({
                key: each.document_id,
                cells: [<Link to="/documents/$documentId" params={{ documentId: each.document_id }} className="underline-offset-4 hover:underline">{each.title}</Link>, number(each.questions)],
              }))}
            />
          )}
        </>
      )}
    </>
  );
}
