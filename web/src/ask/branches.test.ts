import { expect, it } from "vitest";

import { besides, newestBelow, wayTo } from "./branches";

/* a ─ b ─ d     in the order a b c d e f
   │   └ e
   └ c ─ f */
const ALL = [
  { key: "a", parent: null },
  { key: "b", parent: "a" },
  { key: "c", parent: "a" },
  { key: "d", parent: "b" },
  { key: "e", parent: "b" },
  { key: "f", parent: "c" },
];

it("finds ways, neighbours and ends in a tree of messages", () => {
  expect(wayTo(ALL, "e").map((each) => each.key)).toEqual(["a", "b", "e"]);
  expect(wayTo(ALL, null)).toEqual([]);
  expect(wayTo(ALL, "gone")).toEqual([]);
  expect(besides(ALL, ALL[2]!).map((each) => each.key)).toEqual(["b", "c"]);
  expect(newestBelow(ALL, "b")).toBe("e");
  expect(newestBelow(ALL, "a")).toBe("f");
  expect(newestBelow(ALL, "d")).toBe("d");
});

it("ends where messages refer to each other in a circle", () => {
  const circle = [{ key: "a", parent: "b" }, { key: "b", parent: "a" }];
  expect(wayTo(circle, "a").map((each) => each.key)).toEqual(["b", "a"]);
});
