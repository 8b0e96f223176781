import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { AxeBuilder } from "@axe-core/playwright";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { EMAIL, enter, expectAccessible, PASSWORD, visit, type Visitor } from "./browser";

const address = inject("address");
const QUESTION = "When does the reading room of Harrowgate open?";

let visitor: Visitor;
let site: Server;
let code = "";

function place(): string {
  return `http://localhost:${(site.address() as AddressInfo).port}`;
}

async function post<Reply>(path: string, body: object, token?: string): Promise<Reply> {
  const headers = { "Content-Type": "application/json", ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
  const reply = await fetch(`${address}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  expect(reply.ok, path).toBe(true);
  return (await reply.json()) as Reply;
}

beforeAll(async () => {
  site = createServer((_, response) => {
    response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><html lang="en"><title>Town</title><h1>Our town</h1>${code}</html>`);
  });
  await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
  visitor = await visit(address);
  await enter(visitor.page, address, inject("token"));
  const { access_token: token } = await post<{ access_token: string }>("/auth/login", { email: EMAIL, password: PASSWORD });
  await post("/documents", { title: "Rooms", content: "The reading room of Harrowgate opens at 9 in the morning.", access_level: "public" }, token);
});

afterAll(async () => {
  await visitor.leave();
  site.close();
  expect(visitor.complaints).toEqual([]);
});

describe("a box on another site", () => {
  it("is made by an administrator, who gets the line for the page", async () => {
    const { page } = visitor;
    await page.goto(`${address}/administration?view=embeds`);
    await page.getByRole("button", { name: "New box" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Town");
    await dialog.getByLabel("Heading").fill("Ask the town");
    await dialog.getByLabel("Sites").fill(place());
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Save" }).click();
    code = await page.getByRole("dialog").locator("pre").innerText();
    expect(code).toContain(`${address}/embed.js`);
    await page.keyboard.press("Escape");
    await page.locator("main li", { hasText: "Town" }).waitFor();
  });

  it("answers visitors with the words of a public document, and grows with the answer", async () => {
    const { page, leave } = await visit(place());
    try {
      await page.goto(place());
      const frame = page.locator("iframe");
      const box = page.frameLocator("iframe");
      await box.getByRole("heading", { name: "Ask the town" }).waitFor();
      const before = (await frame.boundingBox())?.height ?? 0;
      await box.getByLabel("Your question").fill(QUESTION);
      await page.keyboard.press("Enter");
      await box.getByText("at 9 in the morning").first().waitFor();
      await box.getByRole("button", { name: "Source 1" }).click();
      await box.locator("li.chosen blockquote", { hasText: "The reading room of Harrowgate opens" }).waitFor();
      await expect.poll(async () => (await frame.boundingBox())?.height ?? 0).toBeGreaterThan(before);
      expect((await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]).analyze()).violations).toEqual([]);
    } finally {
      await leave();
    }
  });

  it("is not shown by sites that it does not name", async () => {
    const other = place().replace("localhost", "127.0.0.1");
    const { page, complaints, leave } = await visit(other);
    try {
      await page.goto(other);
      await expect.poll(() => complaints.join()).toMatch(/frame-ancestors/);
      expect(await page.frameLocator("iframe").getByLabel("Your question").count()).toBe(0);
    } finally {
      await leave();
    }
  });
});
