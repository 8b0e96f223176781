import { useInfiniteQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import { ProblemNote } from "~/ui/problem-note";

import { blocksOf, splitAt, unitOf, type Extent, type Piece, type TextBlock } from "./structure";
import type { Target } from "./target";

/** Characters read at once: some forty pages, before and behind the passage. */
const STRETCH = 100_000;

/** The extracted text of a version in its structure, with the passage highlighted and in sight. */
export function TextView({ target }: { target: Target }) {
  const { t } = useTranslation();
  const { documentId, version, start, end } = target;
  const body = useRef<HTMLDivElement>(null);
  const path = { document_id: documentId };
  const { data: pages, error, refetch, ...more } = useInfiniteQuery({
    queryKey: ["content", documentId, version, Math.floor(start / STRETCH)],
    initialPageParam: Math.max(0, Math.floor(start / STRETCH) - 1) * STRETCH,
    queryFn: ({ pageParam: from }) => {
      // The first reading spans the passage's own stretch and one on each side.
      const query = { version, start: from, end: from + STRETCH };
      return data(api.GET("/api/v1/documents/{document_id}/content", { params: { path, query } }));
    },
    getNextPageParam: (last) => (last.end < last.total ? last.end : undefined),
    getPreviousPageParam: (first) => (first.start > 0 ? Math.max(0, first.start - STRETCH) : undefined),
  });
  const all = pages?.pages;
  const text = useMemo(() => (all ?? []).map((page) => page.text).join(""), [all]);
  const offset = all?.[0]?.start ?? 0;
  const reachesPassage = all !== undefined && (all.at(-1)?.end ?? 0) >= Math.min(end, all[0]?.total ?? 0);
  const { hasNextPage, fetchNextPage, isFetchingNextPage } = more;

  useEffect(() => {
    if (all !== undefined && !reachesPassage && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [all, reachesPassage, hasNextPage, isFetchingNextPage, fetchNextPage]);

  const passage = useMemo<Extent>(
    () => ({ start: unitOf(text, start - offset), end: unitOf(text, end - offset) }),
    [text, start, end, offset],
  );
  const known = target.heading;
  const blocks = useMemo(() => blocksOf(text, known?.split(" > ") ?? []), [text, known]);

  useEffect(() => {
    if (reachesPassage) body.current?.querySelector("mark")?.scrollIntoView({ block: "center" });
  }, [reachesPassage, start, end]);

  if (error !== null) {
    return (
      <div className="p-6">
        <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />
      </div>
    );
  }
  return (
    <div ref={body} tabIndex={0} role="region" aria-label={t("reader.text")} className="min-h-0 grow overflow-auto px-4 py-5 -outline-offset-2 sm:px-8">
      {more.hasPreviousPage && (
        <button type="button" className="button button-line mb-4" onClick={() => void more.fetchPreviousPage()}>
          {t("reader.before")}
        </button>
      )}
      <div className="prose mx-auto max-w-[40rem]">
        {blocks.map((block) => (
          <Block key={block.start} block={block} passage={passage} />
        ))}
      </div>
      {hasNextPage && (
        <button type="button" className="button button-line mt-4" onClick={() => void fetchNextPage()}>
          {t("reader.after")}
        </button>
      )}
    </div>
  );
}

function Block({ block, passage }: { block: TextBlock; passage: Extent }) {
  switch (block.kind) {
    case "heading": {
      // The pane's own title is an h2.
      const Heading = `h${Math.min(block.level + 2, 6)}` as "h3";
      return (
        <Heading>
          <Marked piece={block} passage={passage} />
        </Heading>
      );
    }
    case "table":
      return <Table rows={block.rows} passage={passage} />;
    case "item":
      return (
        <p className="item">
          <Marked piece={block} passage={passage} />
        </p>
      );
    case "paragraph":
      return (
        <p>
          <Marked piece={block} passage={passage} />
        </p>
      );
  }
}

function Table({ rows, passage }: { rows: Piece[][]; passage: Extent }) {
  const [head, ...body] = rows;
  return (
    <div className="scroller" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head?.map((cell) => (
              <th key={cell.start} scope="col">
                <Marked piece={cell} passage={passage} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((row) => (
            <tr key={row[0]?.start}>
              {row.map((cell) => (
                <td key={cell.start}>
                  <Marked piece={cell} passage={passage} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Marked({ piece, passage }: { piece: Piece; passage: Extent }) {
  const [before, within, behind] = splitAt(piece, passage);
  if (within === "") return <>{before}</>;
  return (
    <>
      {before}
      <mark>{within}</mark>
      {behind}
    </>
  );
}
