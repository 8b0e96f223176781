import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

import { firstKeys } from "./words";

describe("the words of the first page", () => {
  it("are those of signing in and asking, a third of all at most", () => {
    const first = firstKeys();
    const all = Object.keys(JSON.parse(readFileSync(new URL("src/i18n/en.json", import.meta.url), "utf8")) as object);
    for (const key of ["signin.heading", "ask.placeholder", "nav.ask", "begin.examples", "problem.network"]) {
      expect(all).toContain(key);
      expect(first).toContain(key);
    }
    for (const key of ["grade.quoted", "reader.close", "workflows.graph"]) {
      expect(all).toContain(key);
      expect(first).not.toContain(key);
    }
    const stems = all.map((key) => key.replace(/_(one|other)$/, ""));
    expect(stems.filter((key) => first.has(key)).length).toBeLessThan(all.length / 3);
  });
});
