import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { ask, EMAIL, enter, PASSWORD, visit, type Visitor } from "./browser";
import { PAYLOADS } from "./payloads";

const address = inject("address");
/** Payloads of one document, user or question. */
const TOGETHER = 10;

let visitor: Visitor;
let bearer = "";

beforeAll(async () => {
  visitor = await visit(address);
  await enter(visitor.page, address, inject("token"));
  const tokens = (await call("POST", "/auth/login", { email: EMAIL, password: PASSWORD })) as { access_token: string };
  bearer = tokens.access_token;
});

afterAll(async () => {
  await visitor.leave();
});

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const headers = { "Content-Type": "application/json", ...(bearer === "" ? {} : { Authorization: `Bearer ${bearer}` }) };
  const reply = await fetch(`${address}/api/v1${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  const text = await reply.text();
  // Names and titles that are refused are never shown.
  return reply.ok && text !== "" ? JSON.parse(text) : null;
}

/** Nothing ran, nothing of the payloads became a part of the page, nothing was asked of others. */
async function expectHarmless(): Promise<void> {
  const { page, complaints } = visitor;
  const found = await page.evaluate(() => ({
    hasRun: "hasRun" in window,
    elements: document.querySelectorAll("#root :is(iframe, object, embed, script, base, link, meta, style, marquee, portal, video, audio, math, img)").length,
    links: [...document.querySelectorAll("#root a[href]")].map((each) => (each as HTMLAnchorElement).href).filter((href) => !href.startsWith(`${location.origin}/`)),
    handlers: [...document.querySelectorAll("#root *")].filter((each) => each.getAttributeNames().some((name) => name.startsWith("on"))).length,
  }));
  expect(found, page.url()).toEqual({ hasRun: false, elements: 0, links: [], handlers: 0 });
  expect(complaints).toEqual([]);
}

describe("hostile content", () => {
  it("is text wherever it is shown: 200 payloads in titles, labels, texts, answers, questions and names", async () => {
    const { page } = visitor;
    page.on("dialog", (dialog) => {
      visitor.complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    expect(PAYLOADS.length).toBe(200);
    const groups = Array.from({ length: PAYLOADS.length / TOGETHER }, (_, at) => PAYLOADS.slice(at * TOGETHER, (at + 1) * TOGETHER));
    const ids: string[] = [];
    for (const [at, group] of groups.entries()) {
      const content = group.map((each, line) => `The zebra code ${at}-${line} is ${each} and ends here.`).join("\n\n");
      const metadata = { labels: group.slice(0, 3), path: `Zoo/${group[0]?.replaceAll("/", "") ?? ""}/x.md` };
      const made = (await call("POST", "/documents", { title: `Zebra ${group.slice(0, 4).join(" ").slice(0, 480)}`, content, metadata })) as { documents: { id: string }[] } | null;
      if (made !== null) ids.push(...made.documents.map(({ id }) => id));
      await call("POST", "/users", { email: `zebra-${at}@example.org`, name: group.join(" ").slice(0, 190) });
      for (const each of group) await call("POST", "/groups", { name: each.slice(0, 90) });
    }
    expect(ids.length).toBe(groups.length);

    await page.goto(`${address}/documents`);
    await page.getByLabel("Search titles").fill("Zebra");
    await page.getByText(`${ids.length} documents`, { exact: true }).waitFor();
    await page.waitForFunction(() => !/Being read|Waiting/.test(document.querySelector("main ul:last-of-type")?.textContent ?? ""));
    await expectHarmless();
    await page.getByRole("navigation", { name: "Folders" }).getByRole("button", { name: /^Zoo/ }).click();
    await page.getByRole("navigation", { name: "Folders" }).getByText("All folders").waitFor();
    await expectHarmless();

    for (const [at, id] of ids.entries()) {
      await page.goto(`${address}/documents/${id}?view=properties`);
      await page.getByLabel("Title").waitFor();
      await expectHarmless();
      if (at % 4 !== 0) continue;
      await page.getByRole("button", { name: "Read", exact: true }).click();
      await page.getByRole("complementary").getByText("The zebra code").first().waitFor();
      await expectHarmless();
      await page.goto(address);
      await ask(page, `What is the zebra code ${at}-1? ${groups[at]?.[2] ?? ""}`);
      await expectHarmless();
    }
    for (const view of ["users", "groups", "audit"]) {
      await page.goto(`${address}/administration?view=${view}`);
      await page.locator("main li").first().waitFor();
      await expectHarmless();
    }
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").getByRole("combobox").fill("Zebra");
    await page.getByRole("dialog").getByRole("option", { name: /Zebra/ }).first().waitFor();
    await expectHarmless();
  });
});
