import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { asProblem, Problem } from "~/api/problem";
import { Minus, Plus } from "~/ui/icons";

import { original } from "./original";
import { PdfPages } from "./pdf-pages";
import type { Target } from "./target";
import "./pdf.css";

const ZOOMS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];

interface Props {
  target: Target;
  onProblem: (problem: Problem) => void;
  /** Told whether the passage was found on its page. */
  onMarked: (isFound: boolean) => void;
}

/** The pages of a PDF with the passage marked on them; a chunk of its own, as pdf.js is large. */
export default function PdfView({ target, onProblem, onMarked }: Props) {
  const { t } = useTranslation();
  const body = useRef<HTMLDivElement>(null);
  const [pages, setPages] = useState<PdfPages | null>(null);
  const [zoom, setZoom] = useState(1);
  const told = useRef({ onProblem, onMarked });
  told.current = { onProblem, onMarked };
  const { documentId, version, page, quote } = target;

  useEffect(() => {
    let opened: PdfPages | null = null;
    let isLeft = false;
    async function open(): Promise<void> {
      const file = await original(target);
      const made = await PdfPages.open(await file.arrayBuffer());
      if (isLeft) return made.close();
      opened = made;
      setPages(made);
    }
    open().catch((error: unknown) => {
      const isBroken = error instanceof Error && !(error instanceof Problem) && !(error instanceof TypeError);
      if (!isLeft) told.current.onProblem(isBroken ? new Problem("pdf", error.message) : asProblem(error));
    });
    return () => {
      isLeft = true;
      opened?.close();
    };
    // The same file for every passage of a version.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [documentId, version]);

  useEffect(() => {
    if (pages === null || body.current === null) return;
    const shown = pages.show(body.current, zoom);
    void pages.mark(quote, page ?? 1).then((isFound) => told.current.onMarked(isFound));
    return shown;
  }, [pages, zoom, quote, page]);

  const at = ZOOMS.indexOf(zoom);
  return (
    <div className="relative min-h-0 grow">
      <div ref={body} tabIndex={0} role="region" aria-label={t("reader.pages")} className="pdf absolute inset-0 overflow-auto bg-wash p-3 -outline-offset-2 sm:p-5" />
      {pages === null && <div className="skeleton absolute inset-6" />}
      <div className="absolute end-4 bottom-4 flex rounded-lg border border-line bg-sheet shadow-md">
        <button type="button" className="button button-bare" aria-label={t("reader.smaller")} disabled={at === 0} onClick={() => setZoom(ZOOMS[at - 1] ?? zoom)}>
          <Minus />
        </button>
        <button type="button" className="button button-bare" aria-label={t("reader.larger")} disabled={at === ZOOMS.length - 1} onClick={() => setZoom(ZOOMS[at + 1] ?? zoom)}>
          <Plus />
        </button>
      </div>
    </div>
  );
}
