import { describe, expect, it } from "vitest";

import { NO_LIMITS, scopeOf } from "./scope";

describe("the scope of a question", () => {
  it("holds what was chosen, and nothing that was left empty", () => {
    expect(scopeOf(NO_LIMITS)).toEqual({});
    const now = new Date("2026-06-10T12:00:00");
    const filters = [{ key: " department ", value: " HR " }, { key: "year", value: "2026" }, { key: "file", value: "0042" }, { key: "", value: "x" }];
    expect(scopeOf({ collectionIds: ["c"], asOf: "2026-06-09", filters, viewAs: { id: "u", name: "Bo" } }, now)).toEqual({
      collection_ids: ["c"],
      as_of: new Date("2026-06-09T23:59:59.999").toISOString(),
      filters: { department: "HR", year: 2026, file: "0042" },
      as_user_id: "u",
    });
    expect(scopeOf({ ...NO_LIMITS, asOf: "2026-06-10" }, now)).toEqual({});
  });
});
