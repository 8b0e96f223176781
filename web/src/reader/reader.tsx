import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { Place } from "~/ask/place";
import { api, data } from "~/api/client";
import { asProblem, type Problem } from "~/api/problem";
import { documentKey, useWatched } from "~/documents/watching";
import { Close, Original } from "~/ui/icons";
import { notify } from "~/ui/notices";
import { ProblemNote, useAdvice } from "~/ui/problem-note";
import { Warnings } from "~/ui/warnings";

import { original, saveOriginal } from "./original";
import type { Target } from "./target";
import { TextView } from "./text-view";

const PdfView = lazy(() => import("./pdf-view"));

const PDF = "application/pdf";

interface Props {
  target: Target;
  onClose: () => void;
}

/** A document beside the answer, at the passage, which is highlighted. On a phone it covers the page. */
export function Reader({ target, onClose }: Props) {
  const { t } = useTranslation();
  const pane = useRef<HTMLElement>(null);
  const { documentId, version } = target;
  useWatched(documentId);
  const { data: document, error, refetch } = useQuery({
    queryKey: documentKey(documentId),
    staleTime: 0, // a newer version may have come since
    queryFn: () =>
      data(
        api.GET("/api/v1/documents/{document_id}", {
          params: { path: { document_id: documentId } },
        }),
      ),
  });
  const place = `${documentId}/${version}/${target.start}`;

  useEffect(() => pane.current?.focus({ preventScroll: true }), [place]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.defaultPrevented) onClose();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  const newer = document?.active_version ?? version;
  const problem = error === null ? null : asProblem(error);
  // The text stays while the way to the server is lost, but not once the document is gone or forbidden.
  const isShown = document !== undefined && problem?.status !== 404 && problem?.status !== 403;
  return (
    <aside
      ref={pane}
      tabIndex={-1}
      aria-label={t("reader.label", { title: target.title })}
      className="fixed inset-x-0 top-14 bottom-0 z-30 flex flex-col bg-sheet outline-none lg:sticky lg:inset-auto lg:top-14 lg:z-auto lg:h-[calc(100dvh-3.5rem)] lg:border-s lg:border-line"
    >
      <header className="flex items-start gap-3 border-b border-line px-4 py-3 sm:px-6">
        <div className="min-w-0 grow">
          <h2 className="font-serif text-lg leading-snug font-semibold wrap-anywhere">{target.title}</h2>
          <Place title={target.title} page={target.page} sheet={target.sheet} heading={target.heading} version={version} />
          {newer > version && (
            <p className="mt-1 text-sm font-medium text-doubt">{t("reader.newer", { version: newer })}</p>
          )}
          {document?.version === version && <Warnings warnings={document.warnings} />}
        </div>
        <SaveButton target={target} filename={document?.filename} />
        <button type="button" className="button button-bare -me-2" aria-label={t("reader.close")} title={t("reader.close")} onClick={onClose}>
          <Close />
        </button>
      </header>
      {problem !== null && !isShown ? (
        <div className="p-6">
          <ProblemNote problem={problem} onRetry={() => void refetch()} />
        </div>
      ) : document === undefined ? (
        <Loading />
      ) : document.mime_type === PDF ? (
        <PdfOrText key={`${documentId}/${version}`} target={target} />
      ) : (
        <TextView target={target} />
      )}
    </aside>
  );
}

/** The pages of a PDF; its extracted text where they cannot be shown or the passage not marked. */
function PdfOrText({ target }: { target: Target }) {
  const { t } = useTranslation();
  const advice = useAdvice();
  const [wantsText, setWantsText] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isUnmarked, setIsUnmarked] = useState(false);
  const isText = wantsText || problem !== null;
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5 text-sm sm:px-6">
        <div role="group" aria-label={t("reader.view")} className="flex gap-1">
          {[false, true].map((asText) => (
            <button
              key={String(asText)}
              type="button"
              aria-pressed={isText === asText}
              disabled={!asText && problem !== null}
              className="rounded-md px-2.5 py-1 text-soft hover:bg-wash aria-pressed:bg-wash aria-pressed:font-semibold aria-pressed:text-ink"
              onClick={() => setWantsText(asText)}
            >
              {t(asText ? "reader.text" : "reader.pages")}
            </button>
          ))}
        </div>
        <p role="status" className="text-doubt">
          {problem !== null
            ? t("reader.unreadable", { why: advice(problem) })
            : isUnmarked && !isText
              ? t("reader.unmarked")
              : ""}
        </p>
      </div>
      {isText ? (
        <TextView target={target} />
      ) : (
        <Suspense fallback={<Loading />}>
          <PdfView target={target} onProblem={setProblem} onMarked={(found) => setIsUnmarked(!found)} />
        </Suspense>
      )}
    </>
  );
}

function SaveButton({ target, filename }: { target: Target; filename: string | undefined }) {
  const { t } = useTranslation();
  const advice = useAdvice();
  async function save(): Promise<void> {
    try {
      saveOriginal(await original(target), filename ?? target.title);
    } catch (error) {
      notify(advice(asProblem(error)));
    }
  }
  return (
    <button type="button" className="button button-bare text-sm" title={t("reader.original")} onClick={() => void save()}>
      <Original />
      <span className="max-sm:sr-only">{t("reader.original")}</span>
    </button>
  );
}

function Loading() {
  const { t } = useTranslation();
  return (
    <div className="space-y-3 p-6" role="status">
      <span className="sr-only">{t("reader.loading")}</span>
      {["w-1/2", "w-full", "w-11/12", "w-3/4"].map((width) => (
        <div key={width} className={`skeleton h-4 ${width}`} />
      ))}
    </div>
  );
}
