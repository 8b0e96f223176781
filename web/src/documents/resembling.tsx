import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";

const KEPT_MS = 60_000;

interface Props {
  documentId: string;
  /** The version that answers: another one may resemble others. */
  version?: number;
}

/** Other documents of nearly the same text; nothing where there are none, or they cannot be looked for. */
export function Resembling({ documentId, version = 0 }: Props) {
  const { t } = useTranslation();
  const { data: found } = useQuery({
    queryKey: ["documents", "similar", documentId, version],
    staleTime: KEPT_MS,
    retry: false,
    queryFn: ({ signal }) => data(api.GET("/api/v1/documents/{document_id}/similar", { params: { path: { document_id: documentId } }, signal })),
  });
  const all = found?.resembles ?? [];
  if (all.length === 0) return null;
  return (
    <div className="mt-1 text-sm text-soft">
      <p>{t("similar.heading")}</p>
      <ul className="list-disc ps-5">
        {all.map((each) => (
          <li key={each.document_id}>
            <Link to="/documents/$documentId" params={{ documentId: each.document_id }} className="wrap-anywhere underline underline-offset-4">{each.title}</Link>{" "}
            {t("similar.share", { share: Math.round(each.likeness * 100) })}
          </li>
        ))}
      </ul>
    </div>
  );
}
