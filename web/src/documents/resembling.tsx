import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { OtherDocument } from "~/api/schemas";

const KEPT_MS = 60_000;

interface Props {
  documentId: string;
  /** The version that answers: another one may resemble others. */
  version?: number;
  /** Those that were named when it was handed in. */
  named?: readonly OtherDocument[];
  /** Whether it has been read, so that its text can be compared. */
  isRead?: boolean;
}

/** Other documents that hold the same file or nearly its text; nothing where there are none, or they cannot be looked for. */
export function Resembling({ documentId, version = 0, named = [], isRead = true }: Props) {
  const { t } = useTranslation();
  const { data: found } = useQuery({
    queryKey: ["documents", "similar", documentId, version],
    staleTime: KEPT_MS,
    retry: false,
    enabled: isRead,
    queryFn: ({ signal }) => data(api.GET("/api/v1/documents/{document_id}/similar", { params: { path: { document_id: documentId } }, signal })),
  });
  const like = found?.resembles ?? [];
  const all: (OtherDocument & { likeness?: number })[] = [
    ...named.filter((each) => like.every((other) => other.document_id !== each.document_id)),
    ...like,
  ];
  if (all.length === 0) return null;
  return (
    <div className="mt-1 text-sm text-soft">
      <p>{t("similar.heading")}</p>
      <ul className="list-disc ps-5">
        {all.map((each) => (
          <li key={each.document_id}>
            <Link to="/documents/$documentId" params={{ documentId: each.document_id }} className="wrap-anywhere underline underline-offset-4">{each.title}</Link>{" "}
            {each.collection !== null && t("similar.in", { name: each.collection })}{" "}
            {each.same === "text" ? t("similar.share", { share: Math.round((each.likeness ?? 0) * 100) }) : t(each.same === "content" ? "similar.content" : "similar.name")}
          </li>
        ))}
      </ul>
    </div>
  );
}
