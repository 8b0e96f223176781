import { describe, expect, it } from "vitest";

import { passageOf } from "./targets";

describe("passageOf", () => {
  it("reads what the link of a citation names", () => {
    expect(passageOf({ version: 2, start: 120, end: "188", page: 3 })).toEqual({ version: 2, start: 120, end: 188, page: 3 });
    expect(passageOf({ version: 2, start: 0, end: 9 })).toEqual({ version: 2, start: 0, end: 9 });
  });

  it("takes nonsense for no passage", () => {
    for (const given of [{}, { version: 1 }, { version: 0, start: 0, end: 4 }, { version: 1, start: 5, end: 5 }, { version: 1, start: -1, end: 4 }, { version: 1, start: "x", end: 4 }]) {
      expect(passageOf(given)).toEqual({});
    }
  });
});
