import { describe, expect, it } from "vitest";

import { findAcross, findQuote, type Stretch } from "./matching";

function texts(pieces: string[], found: Stretch[] | null | undefined): string[] | null {
  return found?.map(({ piece, start, end }) => pieces[piece]!.slice(start, end)) ?? null;
}

describe("a quote on a page", () => {
  it("is found across pieces, hyphens, ligatures and spellings of marks", () => {
    const cases: [pieces: string[], quote: string, found: string[]][] = [
      [["Staff get ", "26 days", " of leave. More."], "26 days of leave.", ["26 days", "of leave"]],
      [["an-", "nual leave"], "annual leave", ["an", "nual leave"]],
      [["The ﬁrst ﬂoor"], "first floor", ["ﬁrst ﬂoor"]],
      [["nghi\u0302\u0309 phe\u0301p na\u0306m"], "nghỉ phép năm", ["nghi\u0302\u0309 phe\u0301p na\u0306m"]],
      [["soft\u00adware is 𝒜 thing"], "software is 𝒜 thing", ["soft\u00adware is 𝒜 thing"]],
      [["A", "  ", "B12"], "a b12", ["A", "B12"]],
    ];
    for (const [pieces, quote, found] of cases) {
      const joined = texts(pieces, findQuote(pieces, quote))?.map((each) => each.normalize("NFC"));
      expect(joined, quote).toEqual(found.map((each) => each.normalize("NFC")));
    }
  });

  it("is not found where it does not stand", () => {
    expect(findQuote(["Staff get 26 days."], "27 days")).toBeNull();
    expect(findQuote(["a | b"], "- | ?")).toBeNull();
    expect(findQuote([], "anything")).toBeNull();
  });

  it("may be a row whose cells stand apart, if all are there", () => {
    const pieces = ["London", "Bristol", "£165", "£120", "per night"];
    expect(texts(pieces, findQuote(pieces, "London | £165"))).toEqual(["London", "165"]);
    expect(findQuote(pieces, "London | £999")).toBeNull();
  });

  it("may go on overleaf", () => {
    const first = ["Header", "The warranty of the sonde holds for"];
    const second = ["Footer 2", "three years from delivery. Next."];
    const quote = "The warranty of the sonde holds for three years from delivery.";
    const found = findAcross(first, second, quote);
    expect(texts(first, found?.[0])).toEqual(["The warranty of the sonde holds for"]);
    expect(texts(second, found?.[1])).toEqual(["three years from delivery"]);
    expect(findAcross(first, ["nothing of it"], quote)).toBeNull();
  });
});
