import { expect, it } from "vitest";

import { entriesOf, metadataOf } from "./metadata";

it("gives back what it was given, and reads what is new", () => {
  const before = { file: "0042", year: 2024, tags: ["a"], isOld: false };
  expect(metadataOf(entriesOf(before), before)).toEqual(before);
  const typed = [
    { key: "file", value: "7" }, { key: " pages ", value: "12" }, { key: "code", value: "007" },
    { key: "", value: "lost" }, { key: "note", value: "[not json" }, { key: "ratio", value: "-0.5" },
  ];
  expect(metadataOf(typed, before)).toEqual({ file: "7", pages: 12, code: "007", note: "[not json", ratio: -0.5 });
});
