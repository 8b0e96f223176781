import type { Citation, SearchHit } from "~/api/schemas";

/** A passage to be read where it stands; offsets count the characters of the version's text. */
export interface Target {
  documentId: string;
  title: string;
  version: number;
  page: number | null;
  /** Name of the sheet of a workbook. */
  sheet?: string | null | undefined;
  heading: string | null;
  start: number;
  end: number;
  quote: string;
}

export function targetOfCitation(citation: Citation): Target {
  return {
    documentId: citation.document_id,
    title: citation.title,
    version: citation.version,
    page: citation.page,
    sheet: citation.sheet,
    heading: citation.heading,
    start: citation.start,
    end: citation.end,
    quote: citation.quote,
  };
}

export function targetOfHit(hit: Pick<SearchHit, "document_id" | "title" | "version" | "page" | "sheet" | "heading" | "start" | "end" | "text">): Target {
  return {
    documentId: hit.document_id,
    title: hit.title,
    version: hit.version,
    page: hit.page,
    sheet: hit.sheet,
    heading: hit.heading,
    start: hit.start,
    end: hit.end,
    quote: hit.text,
  };
}

export function isSamePassage(one: Target | null, other: Target): boolean {
  return (
    one !== null &&
    one.documentId === other.documentId &&
    one.version === other.version &&
    one.start === other.start &&
    one.end === other.end
  );
}
