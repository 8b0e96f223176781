/** A part of a sentence, and whether it is a word that no source holds. */
export interface SentencePart {
  text: string;
  isWithoutSource: boolean;
}

const WORD_CHARACTER = /[\p{L}\p{N}]/u;

/** A sentence cut at the words that no source holds, which the server names without their case. */
export function withoutSource(text: string, terms: readonly string[]): SentencePart[] {
  const lower = text.toLowerCase();
  const marked = new Array<boolean>(text.length).fill(false);
  for (const term of terms) {
    const wanted = term.toLowerCase();
    if (wanted === "" || lower.length !== text.length) continue;
    for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + 1)) {
      // Whole words only: "art" is not in "party".
      const isWhole =
        !WORD_CHARACTER.test(text[at - 1] ?? "") &&
        !WORD_CHARACTER.test(text[at + wanted.length] ?? "");
      if (isWhole) marked.fill(true, at, at + wanted.length);
    }
  }
  const parts: SentencePart[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const isWithoutSource = marked[at] === true;
    const last = parts.at(-1);
    if (last !== undefined && last.isWithoutSource === isWithoutSource) last.text += text[at];
    else parts.push({ text: text[at] ?? "", isWithoutSource });
  }
  return parts;
}
