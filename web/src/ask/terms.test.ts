import { expect, it } from "vitest";

import { withoutSource } from "./terms";

it("cuts a sentence at the whole words that no source holds", () => {
  const cases: [text: string, terms: string[], marked: string[]][] = [
    ["The party gets Art for 30 days.", ["art", "30"], ["Art", "30"]],
    ["Phép năm là 14 ngày.", ["phép năm"], ["Phép năm"]],
    ["Nothing is missing.", [], []],
    ["Nothing is missing.", ["absent", ""], []],
  ];
  for (const [text, terms, marked] of cases) {
    const parts = withoutSource(text, terms);
    expect(parts.map((part) => part.text).join("")).toBe(text);
    expect(parts.filter((part) => part.isWithoutSource).map((part) => part.text)).toEqual(marked);
  }
});
