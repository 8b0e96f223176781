import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Close } from "./icons";

interface Props {
  heading: string;
  /** As it closes, by whatever way. */
  onClose: () => void;
  /** From the side, for lists; otherwise in the middle. */
  isDrawer?: boolean;
  children: ReactNode;
}

/** A window before the page: the browser keeps the focus in it, and Escape closes it. */
export function Dialog({ heading, onClose, isDrawer = false, children }: Props) {
  const { t } = useTranslation();
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (element.current?.open !== false) return;
    element.current.showModal();
    // A browser would take the button that closes it, as React's `autoFocus` comes before it is shown.
    element.current.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea")?.focus();
  }, []);
  const place = isDrawer
    ? "m-0 h-dvh max-h-none w-[min(20rem,88vw)] max-w-none border-e"
    : "m-auto max-h-[88dvh] w-[min(34rem,calc(100vw-2rem))] rounded-xl border";
  return (
    <dialog
      ref={element}
      aria-label={heading}
      className={`${place} overflow-auto border-line bg-sheet p-5 text-ink shadow-2xl backdrop:bg-black/45`}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === element.current) element.current?.close();
      }}
    >
      <div className="mb-3 flex items-start justify-between gap-3">
        <h2 className="min-w-0 font-serif text-xl font-semibold wrap-anywhere">{heading}</h2>
        <button type="button" className="button button-bare -me-2 -mt-1" aria-label={t("action.close")} onClick={() => element.current?.close()}>
          <Close />
        </button>
      </div>
      {children}
    </dialog>
  );
}
