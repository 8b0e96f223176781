import * as Menu from "@radix-ui/react-dropdown-menu";
import { Fragment, lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Citation, Grade } from "~/api/schemas";
import type { Target } from "~/reader/target";
import { isSamePassage, targetOfCitation } from "~/reader/target";
import { useRights } from "~/session/rights";
import { useAttempt } from "~/ui/attempt";
import { Again, Copy, Down, Left, LinkTo, Pencil, Right, Stop } from "~/ui/icons";
import { notify } from "~/ui/notices";
import { ProblemNote } from "~/ui/problem-note";

import type { Answer } from "./answer";
import { asText } from "./clipboard";
import { Confidence } from "./confidence";
import { exported, FORMS, type Form } from "./exporting";
import { GRADES, MarkedSentence } from "./marked-sentence";
import { printAnswer } from "./printing";
import { Rating } from "./rating";
import { PassagesRead, Sources } from "./sources";
import { stop, tryNow, type AnswerPart, type Turn } from "./turns";

const MakeCase = lazy(() => import("./make-case"));

interface Props {
  turn: Turn;
  /** Whether it may be gone on with. */
  isOwn: boolean;
  branches: Branches;
  shown: Target | null;
  onShow: (target: Target) => void;
  /** Asks beside this question, in its place. */
  onAsk: (question: string) => void;
  /** Asks after this question. */
  onFollow: (question: string) => void;
  onAgain: () => void;
}

/** The questions that were asked at this place, of which one is shown. */
interface Branches {
  number: number;
  count: number;
  turnTo: (step: -1 | 1) => void;
}

/** A question and its answer. */
export function TurnView(props: Props) {
  const { turn, isOwn, shown, onShow, onAgain } = props;
  const { t } = useTranslation();
  const { answer, citations } = turn;
  const open = useCallback((citation: Citation) => onShow(targetOfCitation(citation)), [onShow]);
  const byNumber = useMemo(() => new Map(citations.map((citation) => [citation.number, citation])), [citations]);
  const openNumber =
    citations.find((citation) => isSamePassage(shown, targetOfCitation(citation)))?.number ?? null;
  const parts = answer === null ? turn.parts : partsOf(answer);
  const isOver = turn.state === "stopped" || turn.state === "interrupted";
  return (
    <article className="border-t border-line py-7 first:border-t-0" aria-busy={turn.state === "asking"}>
      <QuestionOf {...props} />
      {answer?.standalone != null && answer.standalone !== turn.question && (
        <p className="mt-1 text-sm text-soft wrap-anywhere">{t("ask.understood", { question: answer.standalone })}</p>
      )}
      <div
        aria-live="polite"
        className="mt-3 font-serif text-[1.13rem] leading-[1.72] wrap-anywhere whitespace-pre-line"
      >
        {parts.map((part, at) =>
          part.sentence !== null ? (
            <MarkedSentence
              key={at}
              sentence={part.sentence}
              citations={byNumber}
              openNumber={openNumber}
              onOpen={open}
            />
          ) : (
            <Fragment key={at}>{part.text}</Fragment>
          ),
        )}
        {turn.state === "asking" && parts.length === 0 && <Reading />}
      </div>
      {turn.failures > 0 && <Reconnecting turn={turn} />}
      {turn.state === "stopped" && <p className="mt-2 text-soft">{t("ask.stopped")}</p>}
      {turn.state === "interrupted" && <p className="mt-2 text-doubt">{t("ask.interrupted")}</p>}
      {turn.state === "done" && answer === null && <p className="mt-2 text-soft">{t("ask.forgotten")}</p>}
      {answer?.isErased === true && <p className="mt-2 text-soft">{t("ask.erased")}</p>}
      {turn.problem !== null && <ProblemNote problem={turn.problem} onRetry={onAgain} />}
      {answer !== null && <Below {...props} answer={answer} />}
      {turn.state === "asking" && isOwn && (
        <button type="button" className="button button-line mt-3" onClick={() => stop(turn)}>
          <Stop />
          {t("ask.stop")}
        </button>
      )}
      {isOver && isOwn && (
        <button type="button" className="button button-line mt-3" onClick={onAgain}>
          <Again />
          {t("ask.again")}
        </button>
      )}
    </article>
  );
}

/** The question, which can be put in other words: then both stay, as branches. */
function QuestionOf({ turn, isOwn, branches, onAsk }: Props) {
  const { t } = useTranslation();
  const [words, setWords] = useState<string | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  useEffect(() => {
    if (words === null && wasEditing.current) button.current?.focus();
    wasEditing.current = words !== null;
  }, [words]);

  function send(): void {
    const question = (words ?? "").trim();
    setWords(null);
    if (question !== "") onAsk(question);
  }

  if (words !== null) {
    return (
      <form className="rounded-xl border border-edge bg-sheet p-2" onSubmit={(event) => { event.preventDefault(); send(); }}>
        <textarea
          className="field-sizing-content block max-h-[35vh] w-full resize-none bg-transparent px-2 py-1 font-serif text-[1.2rem] leading-snug"
          aria-label={t("ask.edit")}
          autoFocus
          rows={1}
          maxLength={4000}
          value={words}
          onChange={(event) => setWords(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") {
              event.preventDefault();
              setWords(null);
            }
            if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
              event.preventDefault();
              send();
            }
          }}
        />
        <div className="mt-1 flex flex-wrap justify-end gap-2">
          <button type="button" className="button button-bare" onClick={() => setWords(null)}>{t("action.cancel")}</button>
          <button type="submit" className="button button-main" disabled={words.trim() === ""}>{t("ask.send")}</button>
        </div>
      </form>
    );
  }
  const isEditable = isOwn && turn.state !== "asking";
  return (
    <div className="flex items-start gap-2">
      <h2 className="min-w-0 grow font-serif text-[1.35rem] leading-snug font-semibold wrap-anywhere">{turn.question}</h2>
      {branches.count > 1 && (
        <div role="group" aria-label={t("branch.label")} className="flex shrink-0 items-center text-sm text-soft">
          <button type="button" className="button button-bare min-h-8 px-1" aria-label={t("branch.previous")} disabled={branches.number <= 0} onClick={() => branches.turnTo(-1)}>
            <Left />
          </button>
          <span className="tabular-nums">{t("branch.place", { number: branches.number + 1, total: branches.count })}</span>
          <button type="button" className="button button-bare min-h-8 px-1" aria-label={t("branch.next")} disabled={branches.number >= branches.count - 1} onClick={() => branches.turnTo(1)}>
            <Right />
          </button>
        </div>
      )}
      {isEditable && (
        <button ref={button} type="button" className="button button-bare min-h-8 shrink-0 px-1.5" aria-label={t("ask.edit")} title={t("ask.edit")} onClick={() => setWords(turn.question)}>
          <Pencil />
        </button>
      )}
    </div>
  );
}

/** The sentences of an answer; where no answer is given, the words that say so. */
function partsOf(answer: Answer): readonly AnswerPart[] {
  if (answer.sentences.length === 0) return [{ text: answer.text ?? "", sentence: null }];
  return answer.sentences.map((sentence) => ({ text: sentence.text ?? "", sentence }));
}

function Reading() {
  const { t } = useTranslation();
  return (
    <span className="block max-w-xl space-y-2.5 py-2">
      <span className="sr-only">{t("ask.reading")}</span>
      <span className="skeleton block h-4" />
      <span className="skeleton block h-4 w-11/12" />
      <span className="skeleton block h-4 w-2/3" />
    </span>
  );
}

/** Attempts in vain after which the page says that it goes on trying, and takes a click. */
const PATIENT = 3;

/** That the connection broke, and what happens now. */
function Reconnecting({ turn }: { turn: Turn }) {
  const { t } = useTranslation();
  const isLong = turn.failures > PATIENT;
  return (
    <div className="mt-2 flex flex-wrap items-center gap-x-3 gap-y-1 text-doubt">
      <p role="status">{t(isLong ? "ask.unreachable" : "ask.reconnecting")}</p>
      {isLong && (
        <button type="button" className="button button-line text-sm" onClick={() => tryNow(turn)}>
          <Again />
          {t("ask.tryNow")}
        </button>
      )}
    </div>
  );
}

function Below({ turn, answer, isOwn, shown, onShow, onFollow, onAgain }: Props & { answer: Answer }) {
  const { t } = useTranslation();
  const { isAtLeast } = useRights();
  const [isCase, setIsCase] = useState(false);
  const grades = new Set(answer.sentences.map((sentence) => sentence.grade));
  const legend = (Object.keys(GRADES) as Grade[]).filter((grade) => grades.has(grade));
  return (
    <div className="mt-4 space-y-4">
      <Confidence confidence={answer.confidence} />
      {answer.degraded.map((part) => (
        <p key={part.what} className="text-sm text-doubt">
          {part.what === "unread documents" ? t("ask.unread", { count: Number.parseInt(part.why, 10) }) : t("ask.degraded", { what: part.what, why: part.why })}
        </p>
      ))}
      {answer.citations.length > 0 && (
        <Sources
          heading={t("ask.sources")}
          items={answer.citations.map((citation) => ({
            label: String(citation.number),
            target: targetOfCitation(citation),
            place: citation.provision ?? citation.heading,
            quote: citation.quote,
          }))}
          shown={shown}
          onShow={onShow}
        />
      )}
      {turn.nearest.length > 0 && (
        <Sources
          heading={t("ask.nearest")}
          items={turn.nearest.map(({ target, excerpt }) => ({ label: "·", target, place: target.heading, excerpt }))}
          shown={shown}
          onShow={onShow}
        />
      )}
      {isOwn && answer.suggestions.length > 0 && (
        <section className="print:hidden">
          <h3 className="mb-1.5 text-sm font-semibold text-soft">{t("ask.suggestions")}</h3>
          <ul className="flex flex-wrap gap-2">
            {answer.suggestions.map((question) => (
              <li key={question}>
                <button type="button" className="rounded-full border border-line bg-sheet px-3 py-1 text-start text-sm hover:border-accent" onClick={() => onFollow(question)}>
                  {question}
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
      {legend.length > 0 && (
        <details className="text-sm text-soft">
          <summary className="w-fit">{t("grade.legend")}</summary>
          <dl className="mt-2 space-y-1">
            {legend.map((grade) => (
              <div key={grade}>
                <dt className={`inline font-semibold grade-${grade}`}>{t(GRADES[grade].name as "grade.quoted")}</dt>
                <dd className="inline">: {t(GRADES[grade].meaning as "grade.quoted.meaning")}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
      <PassagesRead queryId={answer.queryId} shown={shown} onShow={onShow} />
      <div className="flex flex-wrap items-center gap-x-1 gap-y-2 print:hidden">
        {!answer.abstained && <CopyButton answer={answer} />}
        {turn.messageId !== null && <LinkButton messageId={turn.messageId} conversationId={turn.conversationId} />}
        {turn.messageId !== null && turn.conversationId !== null && (
          <ExportMenu conversationId={turn.conversationId} messageId={turn.messageId} turnKey={turn.key} question={turn.question} />
        )}
        {isOwn && (
          <button type="button" className="button button-bare text-sm" onClick={onAgain}>
            <Again />
            {t("ask.again")}
          </button>
        )}
        {isAtLeast("director") && (
          <button type="button" className="button button-bare text-sm" onClick={() => setIsCase(true)}>{t("case.make")}</button>
        )}
        <span className="grow" />
        <Rating queryId={answer.queryId} given={answer.rating} />
      </div>
      {isCase && (
        <Suspense>
          <MakeCase queryId={answer.queryId} onClose={() => setIsCase(false)} />
        </Suspense>
      )}
    </div>
  );
}

async function copy(text: string, done: string, refused: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify(done);
  } catch {
    notify(refused);
  }
}

function CopyButton({ answer }: { answer: Answer }) {
  const { t } = useTranslation();
  const text = () => asText(answer, { page: (page) => t("place.page", { page }), sheet: (sheet) => t("place.sheet", { sheet }) });
  return (
    <button type="button" className="button button-bare -ms-2.5 text-sm" onClick={() => void copy(text(), t("ask.copied"), t("ask.copyRefused"))}>
      <Copy />
      {t("ask.copy")}
    </button>
  );
}

/** Saves this answer as a file. */
function ExportMenu({ conversationId, messageId, turnKey, question }: { conversationId: string; messageId: string; turnKey: string; question: string }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  return (
    <Menu.Root>
      <Menu.Trigger className="button button-bare text-sm">
        {t("ask.export")}
        <Down />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content align="start" sideOffset={4} className="menu">
          {/* Once the menu is gone: it would be on the paper. */}
          <Menu.Item className="menu-item" onSelect={() => setTimeout(() => printAnswer(turnKey, question))}>{t("ask.print")}</Menu.Item>
          {(Object.keys(FORMS) as Form[]).map((form) => (
            <Menu.Item key={form} className="menu-item" onSelect={() => void attempt(() => exported(conversationId, question, form, messageId))}>
              {t(FORMS[form].name as "talk.json")}
            </Menu.Item>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** The address of this answer, for whoever may read the conversation. */
function LinkButton({ conversationId, messageId }: { conversationId: string | null; messageId: string }) {
  const { t } = useTranslation();
  const address = () => `${location.origin}/c/${conversationId ?? ""}#m-${messageId}`;
  return (
    <button type="button" className="button button-bare text-sm" onClick={() => void copy(address(), t("ask.linked"), t("ask.copyRefused"))}>
      <LinkTo />
      {t("ask.link")}
    </button>
  );
}
