import { keepPreviousData, useQuery, type QueryKey } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import { asProblem } from "~/api/problem";

import { Pager } from "./pager";
import { ProblemNote } from "./problem-note";

interface Page<Item> {
  data: Item[];
  pagination: { total: number; total_pages: number };
}

interface Props<Item extends { id: string }> {
  /** The list's query; the page is added to it. */
  queryKey: QueryKey;
  read: (page: { page: number; limit: number }, signal: AbortSignal) => Promise<Page<Item>>;
  row: (item: Item) => ReactNode;
  /** Shown where there is nothing: what to do next. */
  empty: ReactNode;
  limit?: number;
  /** Whether what is shown is still changing, so that it is read anew every two seconds. */
  isMoving?: (item: Item) => boolean;
}

const REFRESH_MS = 2_000;

/** A list in pages, with a skeleton before it is there and a word when it is empty. */
export function Listing<Item extends { id: string }>({ queryKey, read, row, empty, limit = 25, isMoving }: Props<Item>) {
  const about = JSON.stringify(queryKey);
  // With other filters the list begins at its first page.
  const [turned, setTurned] = useState({ about, page: 1 });
  const page = turned.about === about ? turned.page : 1;
  const { data: list, error, refetch } = useQuery({
    queryKey: [...queryKey, page],
    queryFn: ({ signal }) => read({ page, limit }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (isMoving !== undefined && state.data?.data.some(isMoving) === true ? REFRESH_MS : false),
  });
  if (error !== null) return <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />;
  if (list === undefined) return <div className="skeleton h-40" />;
  if (list.data.length === 0 && page === 1) return <div className="rounded-xl border border-dashed border-edge px-5 py-6 text-soft">{empty}</div>;
  return (
    <>
      <ul className="divide-y divide-line border-y border-line">
        {list.data.map((item) => (
          <li key={item.id} className="py-3">{row(item)}</li>
        ))}
      </ul>
      <Pager page={page} pages={list.pagination.total_pages} onTurn={(next) => setTurned({ about, page: next })} />
    </>
  );
}
