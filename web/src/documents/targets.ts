import type { Document } from "~/api/schemas";
import type { Target } from "~/reader/target";

/** The beginning of a version. */
export function beginningOf(document: Document, version: number): Target {
  return {
    documentId: document.id, title: document.title, version,
    page: null, heading: null, start: 0, end: 0, quote: "",
  };
}

/** A passage as the link of a citation names it. */
export interface Passage {
  version: number;
  start: number;
  end: number;
  page?: number;
}

/** The passage that an address names; none where it names none, or nonsense. */
export function passageOf(given: Record<string, unknown>): Passage | Record<string, never> {
  const version = natural(given["version"]);
  const start = natural(given["start"]);
  const end = natural(given["end"]);
  const page = natural(given["page"]);
  if (!version || start === null || end === null || end <= start) return {};
  return { version, start, end, ...(page ? { page } : {}) };
}

function natural(value: unknown): number | null {
  const number = typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

/** The place of a passage, with its words as they stand there. */
export function targetOfPassage(document: Document, passage: Passage, quote: string): Target {
  const { version, start, end, page = null } = passage;
  return { documentId: document.id, title: document.title, version, page, heading: null, start, end, quote };
}
