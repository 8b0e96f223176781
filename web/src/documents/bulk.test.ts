import { describe, expect, it } from "vitest";

import type { Document } from "~/api/schemas";

import { canBeReadAgain, folderOf, forEach, pathIn } from "./bulk";

const document = (filename: string, path?: string) => ({ filename, metadata: path === undefined ? {} : { path } }) as unknown as Document;

describe("actions on many documents", () => {
  it("keep the file's name when it is moved", () => {
    expect(pathIn("Law/2026", document("a.md", "Old/b.md"))).toBe("Law/2026/b.md");
    expect(pathIn("", document("a.md", "Old/b.md"))).toBe("b.md");
    expect(pathIn("Law", document("a.md"))).toBe("Law/a.md");
    expect(folderOf(" /Law//2026 / ")).toBe("Law/2026");
  });

  it("go on past those that fail, and say how many did", async () => {
    const all = ["a", "b", "c", "d", "e", "f"].map((name) => document(name));
    const outcome = await forEach(all, (each) => (each.filename === "b" ? Promise.reject(new Error("no")) : Promise.resolve()));
    expect(outcome.done.length).toBe(5);
    expect([outcome.failed, outcome.problem?.detail]).toEqual([1, "no"]);
  });

  it("offer another attempt only where one can help", () => {
    const tried = (status: string, code?: string) => canBeReadAgain({ status, error: code === undefined ? null : { code } } as unknown as Document);
    expect(["corrupt_document", "encrypted_document", "unsupported_format"].map((code) => tried("failed", code))).toEqual([false, false, false]);
    expect(["embedding_failed", "parse_timeout", "never_heard_of"].map((code) => tried("failed", code))).toEqual([true, true, true]);
    expect([tried("cancelled"), tried("ready")]).toEqual([true, false]);
  });
});
