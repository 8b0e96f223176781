import { describe, expect, it } from "vitest";

import { marksOf, namedOf, startsOf } from "./spans";

describe("startsOf", () => {
  it("names every day up to the end, which is not included", () => {
    expect(startsOf({ from: "2026-02-27", to: "2026-03-02" }, "day")).toEqual(["2026-02-27", "2026-02-28", "2026-03-01"]);
  });

  it("names every month that the range touches", () => {
    expect(startsOf({ from: "2025-11-30", to: "2026-02-01" }, "month")).toEqual(["2025-11-01", "2025-12-01", "2026-01-01"]);
  });
});

describe("marksOf", () => {
  it("goes in round steps to at least the most", () => {
    expect(marksOf(84, true)).toEqual([0, 50, 100]);
    expect(marksOf(2, true)).toEqual([0, 1, 2]);
    expect(marksOf(1, true)).toEqual([0, 1]);
    expect(marksOf(0.0042, false)).toEqual([0, 0.002, 0.004, 0.006]);
    expect(marksOf(0, true)).toEqual([0]);
  });
});

describe("namedOf", () => {
  it("has the first and the last", () => {
    expect(namedOf(30)).toEqual([0, 7, 15, 22, 29]);
    expect(namedOf(3)).toEqual([0, 1, 2]);
    expect(namedOf(1)).toEqual([0]);
  });
});
