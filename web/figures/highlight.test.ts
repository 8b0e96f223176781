import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { enter, letters, visit, type Visitor } from "../e2e/browser";
import { Api } from "./installed";

const ROOT = resolve(import.meta.dirname, "../..");
const address = inject("address");

/** Of the questions of the sample library, one in so many is asked. */
const EVERY = 2;

interface Cited {
  title: string;
  link: string;
  quote: string;
}

let visitor: Visitor;
const cited = new Map<string, Cited>();

/** The PDFs of all layouts; gives sentences of them. */
async function upload(api: Api): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "cw-pdfs-"));
  const python = process.env["PYTHON"] ?? join(ROOT, ".venv/bin/python");
  const told = execFileSync(python, [join(ROOT, "tests/paged_files.py"), folder], { encoding: "utf8" });
  for (const name of readdirSync(folder)) {
    const form = new FormData();
    form.set("files", new Blob([readFileSync(join(folder, name))], { type: "application/pdf" }), name);
    await api.post("/documents/upload", form);
  }
  rmSync(folder, { recursive: true, force: true });
  await api.allRead();
  return (JSON.parse(told) as { quote: string }[]).map(({ quote }) => quote);
}

function ofSamples(): string[] {
  const lines = ["held", "tuned"].flatMap((half) => readFileSync(join(ROOT, `samples/questions/${half}.jsonl`), "utf8").trim().split("\n"));
  return lines.filter((_, at) => at % EVERY === 0).map((line) => (JSON.parse(line) as { q: string }).q);
}

beforeAll(async () => {
  visitor = await visit(address);
  await enter(visitor.page, address, inject("token"));
  const api = await Api.signIn();
  for (const question of [...(await upload(api)), ...ofSamples()]) {
    const { citations } = await api.post<{ citations: Cited[] }>("/query", { query: question });
    for (const each of citations) cited.set(each.link, each);
  }
});

afterAll(async () => visitor.leave());

/** The marked text in the open reader: on its pages, or in its text. */
async function marked(): Promise<string> {
  const { page } = visitor;
  const reader = page.getByRole("complementary");
  await reader.waitFor();
  await reader.locator("mark").first().or(reader.getByText("could not be marked")).first().waitFor();
  return (await reader.locator("mark").allTextContents()).join("");
}

describe("a citation that is opened", () => {
  it("has its quote marked, over 200 citations of PDFs and of the sample library", async () => {
    const { page } = visitor;
    const wrong: string[] = [];
    const counts = new Map<string, [number, number]>();
    for (const { title, link, quote } of cited.values()) {
      await page.goto(`${address}${link}`);
      const found = await marked();
      const isRight = letters(found) === letters(quote);
      const [right, all] = counts.get(title) ?? [0, 0];
      counts.set(title, [right + Number(isRight), all + 1]);
      if (!isRight) wrong.push(`${title} ${link}\n  quote  ${JSON.stringify(quote)}\n  marked ${JSON.stringify(found)}`);
    }
    const table = [...counts].sort().map(([title, [right, all]]) => `  ${title}: ${right} of ${all}`);
    console.log(`Marked as quoted: ${cited.size - wrong.length} of ${cited.size}\n${table.join("\n")}\n${wrong.join("\n")}`);
    expect(cited.size).toBeGreaterThanOrEqual(200);
    expect((cited.size - wrong.length) / cited.size).toBeGreaterThanOrEqual(0.98);
  });
});
