import { api, data } from "~/api/client";
import { asProblem, type Problem } from "~/api/problem";
import { isLost, pauseAfter } from "~/api/retrying";
import type { Citation, Message } from "~/api/schemas";
import { answerEvents, followedEvents, type AnswerEvent } from "~/api/stream";
import { Store } from "~/kit/store";
import { targetOfHit } from "~/reader/target";

import { answerOfReply, answerOfStored, isRunning, type Answer, type AnswerSentence, type Passage } from "./answer";
import type { Branching } from "./branches";
import { limits, NO_LIMITS, type Scope } from "./scope";

/** A part of an answer as it arrives: a sentence with its grade, or text that has none yet. */
export interface AnswerPart {
  text: string;
  sentence: AnswerSentence | null;
}

/** A question with what came of it. Its key is that of its message, once it has one. */
export interface Turn extends Branching {
  /** The same as long as it is on the page. */
  id: string;
  conversationId: string | null;
  messageId: string | null;
  question: string;
  scope: Scope;
  state: "asking" | "done" | "stopped" | "failed" | "interrupted";
  /** The connection broke, and the answer is being taken up again: how often it was tried in vain. */
  failures: number;
  parts: readonly AnswerPart[];
  citations: readonly Citation[];
  answer: Answer | null;
  problem: Problem | null;
  /** Of an answer that was not given: the passages that come nearest. */
  nearest: readonly Passage[];
}

export interface Question {
  text: string;
  scope: Scope;
  conversationId: string | null;
  /** The message that it goes on from. */
  parent: string | null;
  /** Whether it goes on from the newest message, which another tab may have asked meanwhile. */
  isAtEnd: boolean;
}

/** Passages that are shown where no answer is given. */
const NEAREST = 3;
/** Attempts to take a broken stream up, a quarter of an hour in all: longer than an upgrade takes. */
const MOST_FAILURES = 33;

/** Turns asked or followed on this page, oldest first; kept while other pages are looked at. */
export const turns = new Store<readonly Turn[]>([], "often");
/** Text typed and not asked yet; kept when the session ends or a question fails. */
export const draft = new Store("");
/** The conversation that was shown last, to come back to from other pages. */
export const lastOpen = new Store<string | null>(null);
/** Counts what has changed in conversations, here or in another tab, so that lists are read anew. */
export const changes = new Store(0);

const otherTabs = new BroadcastChannel("citewell-conversations");
otherTabs.onmessage = () => changes.update((count) => count + 1);

/** Tells this tab and the others that conversations have changed. */
export function tellOfChange(): void {
  changes.update((count) => count + 1);
  otherTabs.postMessage("changed");
}

const running = new Map<string, AbortController>();
/** Ends the pause before the next attempt. */
const waiting = new Map<string, () => void>();
/** Number of the last event that came. */
const lastEvents = new Map<string, number>();
let lastId = 0;

export function forgetTurns(): void {
  for (const controller of running.values()) controller.abort();
  turns.set([]);
  draft.set("");
  limits.set(NO_LIMITS);
  lastOpen.set(null);
}

/** Ends an answer: what was told is what is kept. */
export function stop(turn: Turn): void {
  if (turn.conversationId === null || turn.messageId === null) {
    running.get(turn.id)?.abort();
    return;
  }
  const path = { conversation_id: turn.conversationId, message_id: turn.messageId };
  const stopped = api.POST("/api/v1/conversations/{conversation_id}/messages/{message_id}/stop", { params: { path } });
  stopped.catch(() => running.get(turn.id)?.abort());
}

/** Makes room for a new conversation: what failed before it began one is not shown any more. */
export function forgetUnasked(): void {
  turns.update((all) => all.filter((turn) => turn.conversationId !== null || turn.state === "asking"));
}

export function forget(turn: Turn): void {
  lastEvents.delete(turn.id);
  turns.update((all) => all.filter((each) => each.id !== turn.id));
}

/** Asks; a conversation is begun if there is none yet, and told as soon as it is there. */
export function ask(question: Question, onBegun: (conversationId: string) => void): void {
  const turn = made({
    question: question.text,
    scope: question.scope,
    conversationId: question.conversationId,
    parent: question.parent,
  });
  void work(turn, (signal) => asked(turn, question.isAtEnd, signal, onBegun));
}

/** Follows an answer that another tab, or this one before a reload, has asked for. */
export function followMessage(conversationId: string, message: Message): void {
  const isKnown = turns.get().some((turn) => turn.messageId === message.id);
  if (isKnown || !isRunning(message)) return;
  const turn = made({
    question: message.question, scope: {}, conversationId, parent: message.parent_id, messageId: message.id,
  });
  void work(turn, (signal) => followedEvents(conversationId, message.id, 0, signal));
}

/** Takes up an answer again whose connection was given up, after the last event that came. */
export function takeUp(turn: Turn): void {
  const { conversationId, messageId } = turn;
  if (conversationId === null || messageId === null) return;
  change(turn.id, () => ({ state: "asking", problem: null, failures: 1 }));
  void work(turn, (signal) => followedEvents(conversationId, messageId, lastEvents.get(turn.id) ?? 0, signal));
}

/** Ends the pause before the next attempt to take an answer up. */
export function tryNow(turn: Turn): void {
  waiting.get(turn.id)?.();
}

/** A message as it is stored. */
export function turnOfMessage(conversationId: string, message: Message, ownId: string | null): Turn {
  const answer = message.answer === null ? null : answerOfStored(message.answer, ownId);
  return {
    id: message.id, key: message.id, messageId: message.id, parent: message.parent_id, conversationId,
    question: message.question, scope: {},
    state: isRunning(message) ? "asking" : message.status === "done" ? "done" : "interrupted",
    failures: 0, parts: [], citations: answer?.citations ?? [], answer, problem: null,
    nearest: answer?.abstained === true ? answer.passages.slice(0, NEAREST) : [],
  };
}

function made(given: Pick<Turn, "question" | "scope" | "conversationId" | "parent"> & { messageId?: string }): Turn {
  lastId += 1;
  const id = `here-${lastId}`;
  const turn: Turn = {
    id, key: given.messageId ?? id, messageId: null, state: "asking", failures: 0,
    parts: [], citations: [], answer: null, problem: null, nearest: [], ...given,
  };
  turns.update((all) => [...all, turn]);
  return turn;
}

function change(id: string, changed: (turn: Turn) => Partial<Turn>): void {
  turns.update((all) => all.map((turn) => (turn.id === id ? { ...turn, ...changed(turn) } : turn)));
}

function current(id: string): Turn | undefined {
  return turns.get().find((turn) => turn.id === id);
}

async function* asked(turn: Turn, isAtEnd: boolean, signal: AbortSignal, onBegun: (id: string) => void): AsyncGenerator<AnswerEvent> {
  let conversationId = turn.conversationId;
  const isNew = conversationId === null;
  if (conversationId === null) {
    conversationId = (await data(api.POST("/api/v1/conversations", { body: {}, signal }))).id;
  }
  const place = isAtEnd ? {} : { parent_id: turn.parent };
  const request = { query: turn.question, conversation_id: conversationId, ...place, ...turn.scope };
  let isBegun = false;
  try {
    for await (const event of answerEvents(request, signal)) {
      if (!isBegun) {
        isBegun = true;
        if (isNew) onBegun(conversationId);
      }
      yield event;
    }
  } catch (error) {
    // Nothing was asked in it, so it shall not stand in the list.
    if (isNew && !isBegun) void removeEmpty(conversationId);
    throw error;
  }
}

async function removeEmpty(conversationId: string): Promise<void> {
  const path = { conversation_id: conversationId };
  await api.DELETE("/api/v1/conversations/{conversation_id}", { params: { path } }).catch(() => undefined);
}

async function work(turn: Turn, begin: (signal: AbortSignal) => AsyncGenerator<AnswerEvent>): Promise<void> {
  const { id } = turn;
  const controller = new AbortController();
  running.set(id, controller);
  let source = begin(controller.signal);
  try {
    for (let failures = 0; ; failures += 1) {
      try {
        for await (const event of source) {
          if (event.id !== null) lastEvents.set(id, event.id);
          failures = 0;
          take(id, event);
        }
        break;
      } catch (error) {
        const now = current(id);
        const problem = asProblem(error);
        if (!isLost(problem) || controller.signal.aborted || failures >= MOST_FAILURES) throw error;
        if (now?.messageId == null || now.conversationId === null) throw error;
        change(id, () => ({ failures: failures + 1 }));
        const { over, end } = pauseAfter(failures + 1, problem);
        waiting.set(id, end);
        controller.signal.addEventListener("abort", end, { once: true });
        await over.finally(() => waiting.delete(id));
        source = followedEvents(now.conversationId, now.messageId, lastEvents.get(id) ?? 0, controller.signal);
      }
    }
    const now = current(id);
    if (now?.answer?.abstained === true) await findNearest(now);
  } catch (error) {
    const problem = asProblem(error);
    const now = current(id);
    if (controller.signal.aborted) change(id, () => ({ state: "stopped", failures: 0 }));
    else if (problem.code === "answer_interrupted") change(id, () => ({ state: "interrupted", failures: 0 }));
    // Its events are kept for an hour only: what is stored is shown instead.
    else if (problem.code === "stream_not_found" && now !== undefined) forget(now);
    else change(id, () => ({ state: "failed", problem, failures: 0 }));
  } finally {
    running.delete(id);
    tellOfChange();
  }
}

function take(id: string, event: AnswerEvent): void {
  switch (event.name) {
    case "step": {
      const { conversation_id, message_id, parent_id } = event.data;
      if (event.data.name === "conversation" && conversation_id !== undefined && message_id !== undefined) {
        change(id, (turn) => ({
          conversationId: conversation_id, messageId: message_id, key: message_id, failures: 0,
          parent: parent_id === undefined ? turn.parent : parent_id,
        }));
        tellOfChange();
      }
      break;
    }
    case "token":
      change(id, (turn) => ({
        failures: 0,
        parts: [...turn.parts, { text: event.data.text, sentence: event.data.sentence ?? null }],
      }));
      break;
    case "citation":
      change(id, (turn) => ({ citations: [...turn.citations, event.data] }));
      break;
    case "done": {
      const answer = answerOfReply(event.data);
      change(id, () => ({ state: "done", answer, citations: answer.citations, failures: 0 }));
      break;
    }
    case "usage":
      break;
  }
}

async function findNearest(turn: Turn): Promise<void> {
  try {
    const body = { query: turn.answer?.standalone ?? turn.question, top_k: NEAREST, ...turn.scope };
    const found = await data(api.POST("/api/v1/search", { body }));
    const nearest = found.results.map((hit) => ({ chunkId: hit.chunk_id, target: targetOfHit(hit), excerpt: hit.text }));
    change(turn.id, () => ({ nearest }));
  } catch {
    // The answer stands without them: that nothing was found has been said.
  }
}
