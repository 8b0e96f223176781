import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import { ProblemNote } from "~/ui/problem-note";

import { diffRows, type Stretch } from "./diff-rows";

/** Characters read at once. */
const STRETCH = 250_000;

async function wholeText(documentId: string, version: number, signal: AbortSignal): Promise<string> {
  let text = "";
  for (let start = 0; ; ) {
    const params = { path: { document_id: documentId }, query: { version, start, end: start + STRETCH } };
    const part = await data(api.GET("/api/v1/documents/{document_id}/content", { params, signal }));
    text += part.text;
    if (part.end >= part.total || part.end <= start) return text;
    start = part.end;
  }
}

/** Two versions side by side, word by word. */
export function VersionDiff({ documentId, from, to }: { documentId: string; from: number; to: number }) {
  const { t } = useTranslation();
  const { data: found, error, refetch } = useQuery({
    queryKey: ["diff", documentId, from, to],
    queryFn: async ({ signal }) => {
      const path = { document_id: documentId, number: from, other: to };
      const diff = data(api.GET("/api/v1/documents/{document_id}/versions/{number}/diff/{other}", { params: { path }, signal }));
      const [read, text] = await Promise.all([diff, wholeText(documentId, from, signal)]);
      return { diff: read, text };
    },
  });
  const rows = useMemo(() => {
    if (found === undefined || typeof found.diff === "string") return [];
    return diffRows(found.text, found.diff.hunks);
  }, [found]);
  if (error !== null) return <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />;
  if (found === undefined || typeof found.diff === "string") return <div className="skeleton h-48" />;
  const { hunk_count: count, is_complete: isComplete, hunks } = found.diff;
  if (count === 0) return <p className="text-soft">{t("diff.same")}</p>;
  return (
    <div>
      <p role="status" className="mb-2 text-sm text-soft">
        {t("diff.changes", { count })} {!isComplete && t("diff.incomplete", { shown: hunks.length })}
      </p>
      <div className="overflow-x-auto rounded-xl border border-line" tabIndex={0} role="region" aria-label={t("diff.label", { from, to })}>
        <table className="w-full min-w-[36rem] table-fixed border-collapse font-serif leading-relaxed">
          <thead className="font-sans text-sm">
            <tr className="border-b border-line bg-wash text-start">
              <th scope="col" className="px-4 py-2 text-start font-semibold">{t("place.version", { version: from })}</th>
              <th scope="col" className="border-s border-line px-4 py-2 text-start font-semibold">{t("place.version", { version: to })}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) =>
              row.kind === "gap" ? (
                <tr key={at} className="border-y border-line bg-wash font-sans text-sm text-soft">
                  <td colSpan={2} className="px-4 py-1">{t("diff.gap", { count: row.lines })}</td>
                </tr>
              ) : (
                <tr key={at} className="align-top">
                  <td className="px-4 py-1 wrap-anywhere whitespace-pre-wrap"><Line stretches={row.left} mark="del" /></td>
                  <td className="border-s border-line px-4 py-1 wrap-anywhere whitespace-pre-wrap"><Line stretches={row.right} mark="ins" /></td>
                </tr>
              ),
            )}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Line({ stretches, mark: Mark }: { stretches: readonly Stretch[]; mark: "del" | "ins" }) {
  return stretches.map(({ text, isChanged }, at) => (isChanged ? <Mark key={at}>{text}</Mark> : <span key={at}>{text}</span>));
}
