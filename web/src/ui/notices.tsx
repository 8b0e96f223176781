import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { Store, useStore } from "~/kit/store";

import { Close } from "./icons";

interface Notice {
  text: string;
  undo?: () => void;
  /** Done once it can be taken back no more. */
  settle?: () => void;
}

const SHOWN_MS = 8_000;

const current = new Store<Notice | null>(null);

/** Says something in passing; what can be taken back brings the way along. */
export function notify(text: string, undo?: () => void): void {
  show(undo === undefined ? { text } : { text, undo });
}

/** Says what is about to be done; it is done when the notice goes without an undo. */
export function notifyBefore(text: string, settle: () => void, undo: () => void): void {
  show({ text, undo, settle });
}

function show(next: Notice | null): void {
  current.get()?.settle?.();
  current.set(next);
}

// An announced action is carried out even if the page is closed in between.
addEventListener("pagehide", () => show(null));

export function Notices() {
  const { t } = useTranslation();
  const notice = useStore(current);
  useEffect(() => {
    if (notice === null) return;
    const timer = setTimeout(() => show(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [notice]);
  return (
    <div role="status" className="pointer-events-none fixed inset-x-4 bottom-4 z-50 flex justify-center">
      {notice !== null && (
        <div className="pointer-events-auto flex max-w-full items-center gap-3 rounded-lg bg-ink px-4 py-2 text-paper shadow-lg">
          <span className="min-w-0 wrap-anywhere">{notice.text}</span>
          {notice.undo !== undefined && (
            <button
              type="button"
              className="shrink-0 font-semibold underline underline-offset-4"
              onClick={() => {
                current.set(null);
                notice.undo?.();
              }}
            >
              {t("action.undo")}
            </button>
          )}
          <button type="button" aria-label={t("action.close")} onClick={() => show(null)}>
            <Close />
          </button>
        </div>
      )}
    </div>
  );
}
