import { Problem, problemFrom, problemOf } from "~/api/problem";
import type { Citation, QueryReply, QueryRequest, Sentence } from "~/api/schemas";
import { authorisedFetch } from "~/session/session";

interface Told {
  step: { name: string; conversation_id?: string; message_id?: string; parent_id?: string | null; standalone?: string | null };
  token: { text: string; sentence?: Sentence };
  citation: Citation;
  usage: object;
  done: QueryReply;
}

/** Silence after which a connection is taken for dead: the server gives a sign of life each 15 seconds. */
const SILENCE_MS = 45_000;

/** Events of the server while it answers; in a conversation with a number. */
export type AnswerEvent = {
  [Name in keyof Told]: { id: number | null; name: Name; data: Told[Name] };
}[keyof Told];

/** Asks a question; yields events until `done`. */
export function answerEvents(
  request: Partial<QueryRequest> & { query: string },
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  return told(
    new Request(new URL("/api/v1/query/stream", location.origin), {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify(request),
      signal,
    }),
  );
}

/** Takes up an answer that is being made, after the last event one has; yields events until `done`. */
export function followedEvents(
  conversationId: string,
  messageId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<AnswerEvent> {
  const address = `/api/v1/conversations/${conversationId}/messages/${messageId}/stream`;
  const headers = { Accept: "text/event-stream", "Last-Event-ID": String(after) };
  return told(new Request(new URL(address, location.origin), { headers, signal }));
}

async function* told(request: Request): AsyncGenerator<AnswerEvent> {
  const reply = await authorisedFetch(request);
  if (!reply.ok || reply.body === null) throw await problemOf(reply);
  for await (const event of serverSentEvents(reply.body, SILENCE_MS)) {
    if (event.name === "error") throw problemFrom(event.data as object, 0);
    yield event as AnswerEvent;
    if (event.name === "done") return;
  }
  throw new Problem("cut", "");
}

/** An event of a stream; `id` where it has a number. */
export interface ServerSentEvent {
  id: number | null;
  name: string;
  data: unknown;
}

/**
 * Events of a stream, as `kit/sse.py` writes them: one line with the name, one with JSON. A stream that
 * says nothing for so many milliseconds was cut without being told, as by a laptop's sleep.
 */
export async function* serverSentEvents(
  body: ReadableStream<Uint8Array>,
  silence: number | null = null,
): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let waiting = "";
  try {
    for (;;) {
      const { value, done } = await (silence === null ? reader.read() : inTime(reader.read(), silence));
      if (done) return;
      waiting += decoder.decode(value, { stream: true });
      const events = waiting.split("\n\n");
      waiting = events.pop() ?? "";
      for (const event of events) {
        const name = /^event: (.+)$/m.exec(event)?.[1];
        const data = /^data: (.+)$/m.exec(event)?.[1];
        const id = /^id: (\d+)$/m.exec(event)?.[1];
        if (name !== undefined && data !== undefined) {
          yield { id: id === undefined ? null : Number(id), name, data: JSON.parse(data) };
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function inTime<Value>(work: Promise<Value>, milliseconds: number): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Problem("cut", "")), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
