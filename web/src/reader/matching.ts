/**
 * Finds a quote in pieces of text whose white space, hyphens and ligatures differ from it, as they
 * do between the text layer of a PDF page and the extracted text.
 *
 * Only letters and digits are compared, without case and marks: a PDF may hold "ệ" in one
 * character or three, in either order of the marks, and cut words by hyphens at the ends of lines.
 * Known error: two passages of one page that differ in marks only are taken for the same.
 */

/** A stretch of one piece: UTF-16 offsets into it. */
export interface Stretch {
  piece: number;
  start: number;
  end: number;
}

/** Shortest beginning, in letters, that tells where a quote that goes on overleaf starts. */
const FEWEST_LETTERS = 12;

const LETTER = /[\p{L}\p{N}]/u;

interface Letters {
  text: string;
  piece: number[];
  start: number[];
  end: number[];
}

function lettersOf(pieces: readonly string[]): Letters {
  const found: Letters = { text: "", piece: [], start: [], end: [] };
  const parts: string[] = [];
  pieces.forEach((text, piece) => {
    let at = 0;
    for (const character of text) {
      const next = at + character.length;
      for (const letter of character.normalize("NFKD").toLowerCase()) {
        if (!LETTER.test(letter)) continue;
        parts.push(letter);
        // One entry for each UTF-16 unit, since `indexOf` counts those.
        for (let unit = 0; unit < letter.length; unit += 1) {
          found.piece.push(piece);
          found.start.push(at);
          found.end.push(next);
        }
      }
      at = next;
    }
  });
  found.text = parts.join("");
  return found;
}

function stretches(letters: Letters, from: number, to: number): Stretch[] {
  const result: Stretch[] = [];
  for (let at = from; at < to; at += 1) {
    const piece = letters.piece[at] as number;
    const start = letters.start[at] as number;
    const end = letters.end[at] as number;
    const last = result.at(-1);
    if (last?.piece === piece) last.end = end;
    else result.push({ piece, start, end });
  }
  return result;
}

/**
 * Where a quote stands, or null if it does not. The cells of a table's row may stand apart from
 * each other; then all of them have to be there.
 */
export function findQuote(pieces: readonly string[], quote: string): Stretch[] | null {
  const letters = lettersOf(pieces);
  const whole = lettersOf([quote]).text;
  if (whole === "") return null;
  const at = letters.text.indexOf(whole);
  if (at >= 0) return stretches(letters, at, at + whole.length);
  const cells = quote
    .split(/ \| |\n/)
    .map((cell) => lettersOf([cell]).text)
    .filter((cell) => cell !== "");
  return cells.length > 1 ? findInOrder(letters, cells) : null;
}

/** The parts one after the other, each behind the one before where it can be. */
function findInOrder(letters: Letters, parts: readonly string[]): Stretch[] | null {
  const found: Stretch[] = [];
  // The longest part is the rarest: the others are looked for around it.
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best));
  const anchor = letters.text.indexOf(longest);
  if (anchor < 0) return null;
  let from = Math.max(0, anchor - parts.join("").length * 2);
  for (const part of parts) {
    let at = letters.text.indexOf(part, from);
    if (at < 0) at = letters.text.indexOf(part);
    if (at < 0) return null;
    found.push(...stretches(letters, at, at + part.length));
    from = at + part.length;
  }
  return found;
}

/** A quote that begins on one page and ends on the next. */
export function findAcross(
  first: readonly string[],
  second: readonly string[],
  quote: string,
): [Stretch[], Stretch[]] | null {
  const whole = lettersOf([quote]).text;
  const above = lettersOf(first);
  const below = lettersOf(second);
  // A prefix of a found text is found too, so the longest is found by halving.
  let known = 0;
  let beyond = whole.length;
  while (beyond - known > 1) {
    const middle = (known + beyond) >> 1;
    if (above.text.includes(whole.slice(0, middle))) known = middle;
    else beyond = middle;
  }
  const rest = whole.slice(known);
  const there = below.text.indexOf(rest);
  if (known < Math.min(FEWEST_LETTERS, whole.length / 2) || rest === "" || there < 0) return null;
  const here = above.text.lastIndexOf(whole.slice(0, known));
  return [stretches(above, here, here + known), stretches(below, there, there + rest.length)];
}
