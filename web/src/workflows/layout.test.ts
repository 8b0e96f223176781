import { expect, it } from "vitest";

import { layered } from "./layout";

it("puts every node right of all that it comes after", () => {
  const { placed, edges } = layered([
    { id: "found", kind: "search", after: [] },
    { id: "enough", kind: "condition", after: ["found"] },
    { id: "ask", kind: "approval", after: ["enough.yes"] },
    { id: "none", kind: "aggregate", after: ["enough.no", "gone"] },
    { id: "report", kind: "agent", after: ["ask", "found"] },
  ]);
  expect(placed.map(({ id, layer, row }) => [id, layer, row])).toEqual([
    ["found", 0, 0], ["enough", 1, 0], ["ask", 2, 0], ["none", 2, 1], ["report", 3, 0],
  ]);
  expect(edges).toContainEqual({ from: "enough", to: "none", way: "no" });
  expect(edges).toHaveLength(5);
});

it("ends with a circle", () => {
  const { placed } = layered([{ id: "a", kind: "wait", after: ["b"] }, { id: "b", kind: "wait", after: ["a"] }]);
  expect(placed).toHaveLength(2);
});
