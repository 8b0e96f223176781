import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { SearchHit, StoredAnswer } from "~/api/schemas";
import { isSamePassage, type Target } from "~/reader/target";
import { ProblemNote } from "~/ui/problem-note";

import { passagesOf } from "./answer";
import { Place } from "./place";
import type { Scope } from "./scope";

interface SourceItem {
  label: string;
  target: Target;
  place: string | null | undefined;
  excerpt?: string;
  /** Shown on paper alone: on the page it is seen at its place. */
  quote?: string;
  /** Why it was found. */
  why?: string | undefined;
}

interface SourcesProps {
  heading: string;
  items: readonly SourceItem[];
  shown: Target | null;
  onShow: (target: Target) => void;
}

/** Passages by their documents; each opens in the reader. */
export function Sources({ heading, items, shown, onShow }: SourcesProps) {
  const { t } = useTranslation();
  return (
    <section>
      <h3 className="mb-1.5 text-sm font-semibold text-soft">{heading}</h3>
      <ol className="space-y-1">
        {items.map(({ label, target, place, excerpt, quote, why }, at) => (
          <li key={at}>
            <button
              type="button"
              aria-pressed={isSamePassage(shown, target)}
              className="flex w-full items-baseline gap-2.5 rounded-lg border border-transparent px-2.5 py-1.5 text-start hover:bg-wash aria-pressed:border-line aria-pressed:bg-sheet"
              onClick={() => onShow(target)}
            >
              <span className="min-w-4 text-sm font-semibold text-accent tabular-nums">{label}</span>
              <span className="min-w-0">
                <span className="font-medium wrap-anywhere">{target.title}</span>
                <Place title={target.title} page={target.page} sheet={target.sheet} heading={place} version={target.version} />
                {excerpt !== undefined && (
                  <span className="mt-1 line-clamp-3 font-serif text-soft">{excerpt}</span>
                )}
                {quote !== undefined && <span className="mt-1 hidden font-serif whitespace-pre-line print:block">{quote}</span>}
                {why !== undefined && <span className="mt-1 block text-sm text-soft">{t("why.heading")}: {why}</span>}
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Passages that are looked at for why they were found: more than any answer reads. */
const EXPLAINED = 50;

/** The judgement of the search on each passage, found again as it was asked; null if that is not possible. */
type Reasons = ReadonlyMap<string, NonNullable<SearchHit["explain"]>> | null;

async function reasonsOf(stored: StoredAnswer): Promise<Reasons> {
  const asked = stored.request as Scope;
  try {
    const body = {
      query: stored.standalone ?? stored.query, top_k: EXPLAINED, explain: true,
      ...(asked.collection_ids == null ? {} : { collection_ids: asked.collection_ids }),
      ...(asked.filters == null ? {} : { filters: asked.filters }),
      ...(asked.as_of == null ? {} : { as_of: asked.as_of }),
    };
    const { results } = await data(api.POST("/api/v1/search", { body }));
    return new Map(results.flatMap(({ chunk_id, explain }) => (explain == null ? [] : [[chunk_id, explain] as const])));
  } catch {
    return null; // The passages are shown without.
  }
}

function useWhy(): (reasons: Reasons, chunkId: string) => string | undefined {
  const { t } = useTranslation();
  return (reasons, chunkId) => {
    if (reasons === null) return undefined;
    const found = reasons.get(chunkId);
    if (found === undefined) return t("why.unknown");
    const dense = found.dense.rank;
    const lexical = found.lexical.rank;
    const parts = [
      dense !== null && lexical !== null ? t("why.both", { dense, lexical })
      : dense !== null ? t("why.dense", { dense })
      : lexical !== null ? t("why.lexical", { lexical }) : null,
      found.has_phrases ? t("why.phrase") : null,
    ].filter((part) => part !== null);
    return parts.length === 0 ? undefined : parts.join("; ");
  };
}

/** All passages that were read for an answer, fetched when they are asked for. */
export function PassagesRead({ queryId, shown, onShow }: { queryId: string; shown: Target | null; onShow: (target: Target) => void }) {
  const { t } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  const { data: passages, error, refetch } = useQuery({
    queryKey: ["passages", queryId],
    enabled: isOpen,
    queryFn: async () => {
      const params = { path: { query_id: queryId } };
      const stored = await data(api.GET("/api/v1/queries/{query_id}", { params }));
      return { all: passagesOf(stored), reasons: await reasonsOf(stored) };
    },
  });
  const why = useWhy();
  return (
    <details className="text-sm" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary className="w-fit text-soft">{t("ask.passages")}</summary>
      {error !== null && <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      {isOpen && passages === undefined && error === null && <div className="skeleton mt-2 h-20" />}
      {passages !== undefined && (
        <div className="mt-2">
          <Sources
            heading={t("ask.passagesOrder")}
            items={passages.all.map(({ chunkId, target, excerpt }, at) => ({ label: String(at + 1), target, place: target.heading, excerpt, why: why(passages.reasons, chunkId) }))}
            shown={shown}
            onShow={onShow}
          />
        </div>
      )}
    </details>
  );
}
