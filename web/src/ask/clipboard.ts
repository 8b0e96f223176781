import type { Citation } from "~/api/schemas";

import type { Answer } from "./answer";

interface Words {
  page: (page: number) => string;
  sheet: (sheet: string) => string;
}

/** An answer with its sources, as plain text that can be pasted anywhere. */
export function asText(answer: Answer, words: Words): string {
  const sources = answer.citations.map((citation) => {
    const place = [citation.title, headingOf(citation), pageOf(citation, words)];
    return `[${citation.number}] ${place.filter(Boolean).join(", ")}: “${citation.quote}”`;
  });
  const text = answer.text ?? answer.sentences.map((sentence) => sentence.text ?? "[…]").join(" ");
  return [answer.question, text, sources.join("\n")].filter((part) => part !== "").join("\n\n");
}

/** The name of a sheet heads its passages: it is not said twice. */
function headingOf({ provision, heading, sheet }: Citation): string | null {
  const words = provision ?? heading;
  return words === sheet ? null : words;
}

function pageOf(citation: Citation, words: Words): string | null {
  if (citation.sheet != null) return words.sheet(citation.sheet);
  return citation.page === null ? null : words.page(citation.page);
}
