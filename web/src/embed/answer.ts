import type { BoxAnswer } from "~/api/schemas";

import { filled, type Words } from "./words";

/** An element with text and children; what documents and models wrote is text, never markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name, attributes: Record<string, string> = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An answer: sentences that end in the numbers of their sources, and the sources' words. */
export function answerOf(reply: BoxAnswer, words: Words): Node[] {
  const quotes = new Map(reply.citations.map((each) => [each.number, quoteOf(each, words)]));

  function mark(number: number): HTMLButtonElement {
    const button = element("button", { type: "button", class: "mark", "aria-label": filled(words.source, number) }, `${number}`);
    button.addEventListener("click", () => {
      const quote = quotes.get(number);
      if (quote === undefined) return;
      for (const each of quotes.values()) each.classList.toggle("chosen", each === quote);
      quote.focus();
    });
    return button;
  }

  const parts: Node[] = [];
  if (reply.abstained) parts.push(element("p", { class: "soft" }, words.abstained));
  else {
    const text = element("p", { class: "answer" });
    for (const sentence of reply.sentences) {
      const isDoubtful = sentence.unsupported_terms.length > 0;
      const shown = element("span", isDoubtful ? { class: "doubtful", title: filled(words.unsupported, sentence.unsupported_terms.join(", ")) } : {}, sentence.text);
      text.append(shown, ...sentence.citations.map(mark), " ");
    }
    parts.push(text);
    if (reply.confidence === "low") parts.push(element("p", { class: "soft" }, words.unsure));
  }
  if (quotes.size > 0) parts.push(element("ol", { "aria-label": words.sources }, ...quotes.values()));
  return parts;
}

function quoteOf(citation: BoxAnswer["citations"][number], words: Words): HTMLLIElement {
  const place = [citation.title, citation.heading, citation.page === null ? null : filled(words.page, citation.page)];
  return element(
    "li", { value: `${citation.number}`, tabindex: "-1" },
    element("blockquote", {}, citation.quote),
    element("p", { class: "soft" }, place.filter((part) => part !== null && part !== "").join(" · ")),
  );
}
