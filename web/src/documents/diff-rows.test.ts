import { expect, it } from "vitest";

import { diffRows } from "./diff-rows";

const shown = (stretches: { text: string; isChanged: boolean }[]) =>
  stretches.map(({ text, isChanged }) => (isChanged ? `[${text}]` : text)).join("");

it("sets both texts side by side, and leaves out what is the same far from a change", () => {
  const before = "a\nb\nc\nd 😀 heated at seven\ne\nf\ng";
  const start = [...before.slice(0, before.indexOf("seven"))].length;
  const rows = diffRows(before, [{ from_start: start, from_end: start + 5, removed: "seven", added: "nine" }]);
  expect(rows.map((row) => (row.kind === "gap" ? row.lines : [shown(row.left), shown(row.right)]))).toEqual([
    1, ["b", "b"], ["c", "c"], ["d 😀 heated at [seven]", "d 😀 heated at [nine]"], ["e", "e"], ["f", "f"], 1,
  ]);
});

it("holds insertions, removals over lines, and equal texts", () => {
  expect(diffRows("same\ntext", [])).toEqual([{ kind: "gap", lines: 2 }]);
  const [row] = diffRows("x\ny", [{ from_start: 0, from_end: 2, removed: "x\n", added: "" }]);
  expect(row).toMatchObject({ kind: "line", isChanged: true });
  expect(row?.kind === "line" && [shown(row.left), shown(row.right)]).toEqual(["[x\n]y", "y"]);
});
