import { describe, expect, it } from "vitest";

import { blocksOf, charactersIn, splitAt, unitOf } from "./structure";

describe("blocks of extracted text", () => {
  it("have their kinds, and offsets that give their text back", () => {
    const text = "Leave\n\nStaff get 26 days.\n\nCity | Limit\nLondon | £165\n\n- one\n\na | b";
    const blocks = blocksOf(text, ["Policy", "Leave"]);
    expect(blocks.map((block) => block.kind)).toEqual([
      "heading", "paragraph", "table", "item", "paragraph",
    ]);
    for (const block of blocks) {
      const pieces = block.kind === "table" ? block.rows.flat() : [block];
      for (const piece of pieces) expect(text.slice(piece.start, piece.end)).toBe(piece.text);
    }
    const table = blocks[2];
    expect(table?.kind === "table" && table.rows[1]?.map((cell) => cell.text)).toEqual([
      "London", "£165",
    ]);
  });

  it("that look like headings are some", () => {
    const long = "It says more than a line can hold, and so it is a paragraph of its own.";
    const kinds = (...parts: string[]) => blocksOf(parts.join("\n\n"), []).map((each) => each.kind);
    expect(kinds("4.2 Sick pay", "Short.")).toEqual(["heading", "paragraph"]);
    expect(kinds("Điều 12. Nghỉ hằng năm", "Ngắn.")).toEqual(["heading", "paragraph"]);
    expect(kinds("Sick pay", long)).toEqual(["heading", "paragraph"]);
    expect(kinds("Bring these:", long)).toEqual(["paragraph", "paragraph"]);
    expect(kinds("a) a pen", long, "The end")).toEqual(["item", "paragraph", "paragraph"]);
  });

  it("show the part of a passage that lies within them", () => {
    const [block] = blocksOf("Staff get 26 days.", []);
    if (block?.kind !== "paragraph") throw new Error("a paragraph");
    expect(splitAt(block, { start: 6, end: 9 })).toEqual(["Staff ", "get", " 26 days."]);
    expect(splitAt(block, { start: 10, end: 99 })).toEqual(["Staff get ", "26 days.", ""]);
    expect(splitAt(block, { start: 18, end: 30 })).toEqual([block.text, "", ""]);
    expect(splitAt(block, null)).toEqual([block.text, "", ""]);
  });
});

describe("offsets of the server", () => {
  it("count characters, not UTF-16 units", () => {
    expect(unitOf("a𝒜b", 2)).toBe(3);
    expect(unitOf("abc", 2)).toBe(2);
    expect(unitOf("ab", 9)).toBe(2);
    expect(charactersIn("a𝒜b")).toBe(3);
  });
});
