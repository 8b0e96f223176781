import { expect, it } from "vitest";

import { chosenFiles, namesOf } from "./folders";

function file(path: string): File {
  const made = new File(["x"], path.split("/").at(-1) ?? "");
  Object.defineProperty(made, "webkitRelativePath", { value: path.includes("/") ? path : "" });
  return made;
}

it("keeps files of one name in different folders apart, and leaves hidden ones out", () => {
  const found = chosenFiles(["box/a/notes.md", "box/b/notes.md", "box/plan.pdf", "box/.git/x", "alone.txt"].map(file));
  expect(found.map(({ path }) => path)).toEqual(["box/a/notes.md", "box/b/notes.md", "box/plan.pdf", "alone.txt"]);
  expect(namesOf(found)).toEqual(["box - a - notes.md", "box - b - notes.md", "plan.pdf", "alone.txt"]);
});
