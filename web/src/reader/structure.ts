/** Structure of extracted text: its blocks with their offsets, and a passage within them. */

/** Stands between two blocks of the extracted text (`engine/chunking/base.py`). */
const SEPARATOR = "\n\n";
const CELL = " | ";
const ITEM = /^(?:[-–—•*▪◦·]|\(?(?:\d{1,3}|[a-zđ]|[ivxl]{1,5})[.)])\s+\S/u;

/** Headings of the sample library have 75 characters at most; a line of text has more. */
const LONGEST_HEADING = 90;
/** "4.2 Sick pay", "Điều 12. Nghỉ phép", "Annex A": numbers of sections as both languages write them. */
const NUMBERED =
  /^(?:(?:\d+\.)+\d*\s+\p{Lu}|(?:Điều|Chương|Mục|Phần|Phụ lục|Article|Chapter|Section|Part|Annex|Schedule|Appendix)\s+[\dA-ZIVXL]+)/u;

/** A stretch in UTF-16 units. */
export interface Extent {
  start: number;
  end: number;
}

export interface Piece extends Extent {
  text: string;
}

export type TextBlock =
  | (Piece & { kind: "paragraph" | "item" })
  | (Piece & { kind: "heading"; level: number })
  | (Extent & { kind: "table"; rows: Piece[][] });

/** The server counts characters, JavaScript UTF-16 units: the place of a character in the text. */
export function unitOf(text: string, characters: number): number {
  if (!/[\uD800-\uDBFF]/.test(text)) return Math.min(characters, text.length);
  let unit = 0;
  for (const character of text) {
    if (characters <= 0) break;
    characters -= 1;
    unit += character.length;
  }
  return unit;
}

/** The characters of a text, as the server counts them. */
export function charactersIn(text: string): number {
  return text.length - (text.match(/[\uD800-\uDBFF][\uDC00-\uDFFF]/g)?.length ?? 0);
}

/**
 * The blocks of a text. Kinds are not stored with it, so they are told by their looks: tables by
 * their bars, items by their marks, headings by being known as one (`headings`, outermost first)
 * or by being short, without a full stop, above something long. What this gets wrong: a short item
 * without a mark above a long paragraph looks like a heading. Offsets hold whatever the kinds are.
 */
export function blocksOf(text: string, headings: readonly string[]): TextBlock[] {
  const parts: Piece[] = [];
  let start = 0;
  for (const part of text.split(SEPARATOR)) {
    const end = start + part.length;
    if (part.trim() !== "") parts.push({ text: part, start, end });
    start = end + SEPARATOR.length;
  }
  return parts.map((part, at) => blockOf(part, parts[at + 1], headings));
}

function blockOf(part: Piece, next: Piece | undefined, headings: readonly string[]): TextBlock {
  const lines = piecesOf(part.text, part.start, "\n");
  if (lines.length > 1 && lines.every((line) => line.text.includes(CELL.trim()))) {
    const rows = lines.map((line) => piecesOf(line.text, line.start, CELL));
    return { kind: "table", rows, start: part.start, end: part.end };
  }
  const known = headings.indexOf(part.text.trim());
  if (known >= 0) return { ...part, kind: "heading", level: known + 1 };
  if (lines.length === 1 && looksLikeHeading(part.text, next)) {
    return { ...part, kind: "heading", level: 2 };
  }
  return { ...part, kind: ITEM.test(part.text) ? "item" : "paragraph" };
}

function looksLikeHeading(text: string, next: Piece | undefined): boolean {
  if (next === undefined || text.length > LONGEST_HEADING || /[.:;,!?…|]\s*$/u.test(text)) return false;
  const isNumbered = NUMBERED.test(text);
  return isNumbered || (!ITEM.test(text) && next.text.length >= text.length * 2 && next.text.length >= 60);
}

function piecesOf(text: string, offset: number, separator: string): Piece[] {
  let start = offset;
  return text.split(separator).map((part) => {
    const piece = { text: part, start, end: start + part.length };
    start = piece.end + separator.length;
    return piece;
  });
}

/** The parts of a text before, within and behind the passage. */
export function splitAt(piece: Piece, passage: Extent | null): [string, string, string] {
  const from = Math.max(piece.start, passage?.start ?? piece.end);
  const to = Math.min(piece.end, passage?.end ?? piece.start);
  if (from >= to) return [piece.text, "", ""];
  return [
    piece.text.slice(0, from - piece.start),
    piece.text.slice(from - piece.start, to - piece.start),
    piece.text.slice(to - piece.start),
  ];
}
