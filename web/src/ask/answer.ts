import type { Citation, Message, QueryReply, Sentence, StoredAnswer } from "~/api/schemas";
import { targetOfHit, type Target } from "~/reader/target";

/** A sentence; without text where it rests on what the reader may not read. */
export type AnswerSentence = Omit<Sentence, "text"> & { text: string | null };

/** An answer, as it was just made or as it is stored. */
export interface Answer {
  queryId: string;
  question: string;
  /** The question that was answered, where it was made to stand alone. */
  standalone: string | null;
  text: string | null;
  abstained: boolean;
  confidence: QueryReply["confidence"];
  sentences: readonly AnswerSentence[];
  citations: readonly Citation[];
  degraded: readonly { what: string; why: string }[];
  suggestions: readonly string[];
  isErased: boolean;
  rating: { rating: number; comment: string } | null;
  /** The passages that were read for it, best first; not known of an answer just made. */
  passages: readonly Passage[];
}

export interface Passage {
  chunkId: string;
  target: Target;
  excerpt: string;
}

export function answerOfReply(reply: QueryReply): Answer {
  return {
    queryId: reply.query_id,
    question: reply.query,
    standalone: reply.metadata.standalone ?? null,
    text: reply.answer,
    abstained: reply.abstained,
    confidence: reply.confidence,
    sentences: reply.sentences,
    citations: reply.citations,
    degraded: reply.metadata.degraded ?? [],
    suggestions: reply.suggestions ?? [],
    isErased: false,
    rating: null,
    passages: [],
  };
}

export function answerOfStored(stored: StoredAnswer, ownId: string | null): Answer {
  const own = stored.feedback.find((each) => each.user_id === ownId);
  return {
    queryId: stored.query_id,
    question: stored.query,
    standalone: stored.standalone,
    text: stored.answer,
    abstained: stored.abstained,
    confidence: stored.confidence,
    sentences: stored.sentences,
    citations: stored.citations.flatMap(citationOf),
    degraded: stored.metadata.degraded,
    suggestions: [],
    isErased: stored.erased_at !== null,
    rating: own === undefined ? null : { rating: own.rating, comment: own.comment },
    passages: passagesOf(stored),
  };
}

export function passagesOf(stored: StoredAnswer): Passage[] {
  return stored.passages.flatMap((passage) => {
    const [cited] = citationOf({ ...passage, number: 0 });
    if (cited === undefined) return [];
    return [{ chunkId: cited.chunk_id, target: targetOfHit({ ...cited, text: cited.quote }), excerpt: cited.quote }];
  });
}

/** A stored citation; none where it may not be read now. */
function citationOf(stored: StoredAnswer["citations"][number]): Citation[] {
  const { chunk_id, document_id, title, version, start, end, text } = stored;
  if (!stored.is_readable || chunk_id == null || document_id == null || version == null) return [];
  return [
    {
      number: stored.number,
      chunk_id,
      document_id,
      title: title ?? "",
      version,
      page: stored.page ?? null,
      page_end: stored.page_end ?? null,
      sheet: stored.sheet ?? null,
      heading: null,
      start: start ?? 0,
      end: end ?? 0,
      quote: text ?? "",
      score: stored.score ?? 0,
    },
  ];
}

/** Whether an answer of a conversation is still being made. */
export function isRunning(message: Message): boolean {
  return message.status === "running";
}
