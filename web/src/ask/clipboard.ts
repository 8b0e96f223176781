import type { Citation } from "~/api/schemas";

import type { Answer } from "./answer";

/** An answer with its sources, as plain text that can be pasted anywhere. */
export function asText(answer: Answer, words: { page: (page: number) => string }): string {
  const sources = answer.citations.map((citation) => {
    const place = [citation.title, citation.provision ?? citation.heading, pageOf(citation, words)];
    return `[${citation.number}] ${place.filter(Boolean).join(", ")}: “${citation.quote}”`;
  });
  const text = answer.text ?? answer.sentences.map((sentence) => sentence.text ?? "[…]").join(" ");
  return [answer.question, text, sources.join("\n")].filter((part) => part !== "").join("\n\n");
}

function pageOf(citation: Citation, words: { page: (page: number) => string }): string | null {
  return citation.page === null ? null : words.page(citation.page);
}
