import { useQueryClient } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { withWords } from "~/i18n";
import { useStore } from "~/kit/store";
import type { Target } from "~/reader/target";
import { Lines } from "~/ui/icons";

import { Beginning } from "./beginning";
import { Composer } from "./composer";
import { ConversationDrawer, ConversationSide } from "./conversation-list";
import { Loading } from "./loading";
import { limits, scopeOf } from "./scope";
import type { Asking } from "./thread";
import { ask, changes, draft, lastOpen, turns } from "./turns";

/** The code that shows answers is fetched at the first key: the first page does without. */
const threads = withWords(() => import("./thread"));
const Conversation = lazy(async () => ({ default: (await threads()).Conversation }));
const Thread = lazy(async () => ({ default: (await threads()).Thread }));
const readers = withWords(() => import("~/reader/reader"));
const Reader = lazy(async () => ({ default: (await readers()).Reader }));

/** Asking: conversations at the side, and beside the answer the reader once a number is clicked. */
export function AskPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { conversationId = null } = useParams({ strict: false });
  const [target, setTarget] = useState<Target | null>(null);
  const [isListed, setIsListed] = useState(false);
  const opener = useRef<HTMLElement | null>(null);
  useFreshness();
  useEffect(() => draft.follow(() => void threads().catch(() => undefined)), []);

  useEffect(() => {
    setTarget(null);
    lastOpen.set(conversationId);
  }, [conversationId]);

  function show(next: Target): void {
    opener.current = document.activeElement as HTMLElement | null;
    setTarget(next);
  }

  useEffect(() => {
    if (target !== null) return;
    // Only now can it be seen again: on a phone the reader takes its place.
    opener.current?.focus();
    opener.current = null;
  }, [target]);

  function begin(text: string, parent: string | null, isAtEnd = false): void {
    setTarget(null);
    ask({ text, scope: scopeOf(limits.get()), conversationId, parent, isAtEnd }, (begun) => {
      void navigate({ to: "/c/$conversationId", params: { conversationId: begun } });
    });
  }

  return (
    <div className={`lg:grid ${target === null ? "lg:grid-cols-[17rem_minmax(0,1fr)]" : "lg:grid-cols-[minmax(22rem,1fr)_minmax(26rem,1.15fr)]"}`}>
      {target === null && <ConversationSide openId={conversationId} />}
      <main id="main" className={`${target === null ? "" : "max-lg:invisible"} mx-auto flex min-h-[calc(100dvh-3.5rem)] w-full max-w-[46rem] min-w-0 flex-col px-4 sm:px-6`}>
        <button type="button" className={`button button-bare -ms-2.5 mt-2 self-start text-sm ${target === null ? "lg:hidden" : ""}`} onClick={() => setIsListed(true)}>
          <Lines />
          {t("talk.list")}
        </button>
        <Suspense fallback={<Loading />}>
          {conversationId === null ? (
            <Fresh onAsk={begin} shown={target} onShow={show} />
          ) : (
            <Conversation key={conversationId} id={conversationId} onAsk={begin} shown={target} onShow={show} />
          )}
        </Suspense>
      </main>
      {target !== null && (
        <Suspense>
          <Reader target={target} onClose={() => setTarget(null)} />
        </Suspense>
      )}
      {isListed && <ConversationDrawer openId={conversationId} onClose={() => setIsListed(false)} />}
    </div>
  );
}

/** Reads conversations anew as they change, in this tab or another one. */
function useFreshness(): void {
  const queries = useQueryClient();
  const count = useStore(changes);
  useEffect(() => {
    if (count === 0) return;
    void queries.invalidateQueries({ queryKey: ["conversations"] });
    void queries.invalidateQueries({ queryKey: ["messages"] });
  }, [count, queries]);
}

/** Before the first question of a conversation, and while it begins. */
function Fresh({ onAsk, shown, onShow }: Asking) {
  const { t } = useTranslation();
  const pending = useStore(turns).filter((turn) => turn.conversationId === null).slice(-1);
  const [turn] = pending;
  if (turn !== undefined) {
    return (
      <Thread all={pending} shown={shown} onShow={onShow} onAsk={onAsk} />
    );
  }
  return (
    <div className="py-[clamp(1.5rem,9vh,6rem)] max-lg:pt-4">
      <h1 className="mb-6 font-serif text-[clamp(1.7rem,4vw,2.4rem)] leading-tight font-semibold text-balance">
        {t("ask.heading")}
      </h1>
      <Composer onAsk={(text) => onAsk(text, null)} />
      <Beginning onAsk={(text) => onAsk(text, null)} />
    </div>
  );
}

