import { useQuery } from "@tanstack/react-query";
import { memo, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import { isLost } from "~/api/retrying";
import type { Target } from "~/reader/target";
import { useOwnId } from "~/session/rights";
import { ProblemNote } from "~/ui/problem-note";

import { besides, newestBelow, wayTo } from "./branches";
import { Composer } from "./composer";
import { Loading } from "./loading";
import { useMessages } from "./messages";
import { TurnView } from "./turn-view";
import { forget, takeUp, type Turn } from "./turns";

export interface Asking {
  onAsk: (question: string, parent: string | null, isAtEnd?: boolean) => void;
  shown: Target | null;
  onShow: (target: Target) => void;
}

/** The messages of a conversation. */
export function Conversation({ id, ...asking }: Asking & { id: string }) {
  const ownId = useOwnId();
  const { t } = useTranslation();
  const { data: conversation, error, refetch } = useQuery({
    queryKey: ["conversations", "one", id],
    queryFn: () => data(api.GET("/api/v1/conversations/{conversation_id}", { params: { path: { conversation_id: id } } })),
  });
  const messages = useMessages(id, ownId, conversation?.is_own === true);
  // A long answer is drawn in between: what is typed meanwhile comes first.
  const all = useDeferredValue(messages.all);
  const isOwn = conversation?.is_own ?? true;
  const problem = error ?? messages.error;
  if (problem !== null && messages.all.length === 0) {
    return (
      <div className="py-8">
        <ProblemNote problem={asProblem(problem)} onRetry={() => { void refetch(); messages.refetch(); }} />
      </div>
    );
  }
  if (messages.isLoading && messages.all.length === 0) return <Loading />;
  return (
    <>
      {!isOwn && conversation !== undefined && <p className="mt-4 rounded-lg bg-wash px-3 py-2 text-sm">{t("talk.readOnly", { title: conversation.title })}</p>}
      <Thread all={all} isOwn={isOwn} {...asking} />
    </>
  );
}

/** Questions with their answers, one way through their branches, and the field for the next. */
export const Thread = memo(Turns);

function Turns({ all, isOwn = true, onAsk, shown, onShow }: Asking & { all: readonly Turn[]; isOwn?: boolean }) {
  const { t } = useTranslation();
  const [end, setEnd] = useState<string | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const newest = all.at(-1)?.key ?? null;
  const way = useMemo(() => wayTo(all, end ?? newest), [all, end, newest]);
  const last = way.at(-1);
  const count = way.length;
  const lastId = last?.id;

  useEffect(() => {
    // The address's target; else the newest question at the top, so that its answer grows below it.
    const wanted = location.hash === "" ? null : document.getElementById(location.hash.slice(1));
    const goal = wanted ?? (count > 1 ? place.current?.previousElementSibling : null);
    goal?.scrollIntoView({ block: "start" });
  }, [count, lastId]);

  function send(text: string, parent: string | null, isAtEnd = false): void {
    setEnd(null);
    if (location.hash !== "") history.replaceState(history.state, "", location.pathname);
    onAsk(text, parent, isAtEnd);
  }

  function again(turn: Turn): void {
    // A question whose connection was lost is taken up, not asked again.
    if (turn.messageId !== null && turn.problem !== null && isLost(turn.problem)) {
      takeUp(turn);
      return;
    }
    if (turn.messageId === null) forget(turn);
    send(turn.question, turn.parent);
  }

  return (
    <>
      <h1 className="sr-only">{t("nav.ask")}</h1>
      <div className="grow">
        {way.map((turn, at) => {
          const others = besides(all, turn);
          const number = others.findIndex((each) => each.key === turn.key);
          const turnTo = (step: number) => {
            const other = others[number + step];
            if (other !== undefined) setEnd(newestBelow(all, other.key));
          };
          return (
            // The last one is tall enough to be scrolled to the top.
            <div key={turn.id} id={`m-${turn.key}`} className={`scroll-mt-14 ${at === count - 1 && at > 0 ? "min-h-[calc(100dvh-14rem)]" : ""}`}>
              <TurnView
                turn={turn}
                isOwn={isOwn}
                branches={{ number, count: others.length, turnTo }}
                shown={shown}
                onShow={onShow}
                onAsk={(text) => send(text, turn.parent)}
                onFollow={(text) => send(text, turn.key)}
                onAgain={() => again(turn)}
              />
            </div>
          );
        })}
        <div ref={place} />
      </div>
      {isOwn && (
        <div className="sticky bottom-0 z-10 -mx-2 print:hidden bg-linear-to-t from-paper from-75% to-transparent px-2 pt-6 pb-4">
          <Composer onAsk={(text) => send(text, parentFor(last), last?.key === newest)} />
        </div>
      )}
    </>
  );
}

/** The message that a question continues: the last one that the server has. */
function parentFor(last: Turn | undefined): string | null {
  if (last === undefined) return null;
  return last.messageId ?? last.parent;
}
