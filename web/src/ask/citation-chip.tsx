import * as HoverCard from "@radix-ui/react-hover-card";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Citation } from "~/api/schemas";

import { Place } from "./place";

interface Props {
  citation: Citation;
  isOpen: boolean;
  onOpen: (citation: Citation) => void;
}

/** The number behind a sentence: shows its quote on hover and focus, opens it in the reader. */
export function CitationChip({ citation, isOpen, onOpen }: Props) {
  const { t } = useTranslation();
  const [isShown, setIsShown] = useState(false);
  // Not while the reader shows the passage: a tap gives the number the focus too, and on a phone the card
  // would lie over what was opened.
  return (
    <HoverCard.Root openDelay={180} closeDelay={120} open={isShown && !isOpen} onOpenChange={setIsShown}>
      <HoverCard.Trigger asChild>
        <button
          type="button"
          className="chip"
          aria-pressed={isOpen}
          aria-label={t("cite.open", { number: citation.number, title: citation.title })}
          onClick={() => {
            setIsShown(false);
            onOpen(citation);
          }}
        >
          {citation.number}
        </button>
      </HoverCard.Trigger>
      <HoverCard.Portal>
        <HoverCard.Content
          sideOffset={6}
          collisionPadding={12}
          className="z-40 max-h-[60vh] w-[min(26rem,calc(100vw-24px))] overflow-auto rounded-xl border border-line bg-sheet p-4 shadow-xl"
        >
          <blockquote className="font-serif leading-relaxed wrap-anywhere whitespace-pre-line">
            <mark className="box-decoration-clone px-0.5">{citation.quote}</mark>
          </blockquote>
          <p className="mt-3 text-sm font-semibold wrap-anywhere">{citation.title}</p>
          <Place title={citation.title} page={citation.page} sheet={citation.sheet} heading={citation.provision ?? citation.heading} version={citation.version} />
        </HoverCard.Content>
      </HoverCard.Portal>
    </HoverCard.Root>
  );
}
