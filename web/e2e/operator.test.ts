import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { expectAccessible, expectNoSidewaysScrolling, visit, type Visitor } from "./browser";

const ROOT = resolve(import.meta.dirname, "../..");
const address = inject("address");

let visitor: Visitor;

/** A key of the installation, as its operator makes one on the server. */
function key(...words: string[]): string {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("CITEWELL_"));
  const said = execFileSync(
    process.env["PYTHON"] ?? join(ROOT, ".venv/bin/python"),
    ["-m", "citewell.entrypoints.cli", "key", "create", "--name", "Ops", "--json", ...words],
    { cwd: ROOT, env: { ...Object.fromEntries(own), CITEWELL_HOME: inject("home") } },
  );
  return (JSON.parse(said.toString()) as { key: string }).key;
}

beforeAll(async () => {
  visitor = await visit(address);
});

afterAll(async () => {
  await visitor.leave();
  expect(visitor.complaints).toEqual([]);
});

describe("the operator", () => {
  it("opens the page by a key of the installation, not by another one, and the browser keeps none", async () => {
    const { page } = visitor;
    await page.goto(`${address}/operator`);
    const field = page.getByLabel("Operator's key");
    await expectAccessible(page);
    await field.fill("cw_nothing");
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByRole("alert").first().waitFor();
    await field.fill(key());
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByText("it is not one of the operator's").waitFor();

    await field.fill(key("--operator"));
    await page.getByRole("button", { name: "Open", exact: true }).click();
    await page.getByRole("button", { name: "New organisation" }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
    expect(kept).not.toContain("cw_");
    await expectAccessible(page);
  });

  it("makes an organisation, whose first key works, suspends it and removes it", async () => {
    const { page } = visitor;
    await page.getByRole("button", { name: "New organisation" }).click();
    let dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name", { exact: true }).fill("Harbour Office");
    await dialog.getByLabel("Short name").fill("Not a slug!");
    await dialog.getByRole("button", { name: "Make" }).click();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByLabel("Short name").fill("harbour");
    await dialog.getByLabel("Plan").selectOption({ label: "Team" });
    await dialog.getByRole("button", { name: "Make" }).click();
    const first = (await page.getByRole("dialog").locator("pre").textContent()) ?? "";
    const works = async () => (await fetch(`${address}/api/v1/documents`, { headers: { Authorization: `Bearer ${first}` } })).status;
    expect(await works()).toBe(200);
    await expectAccessible(page);
    await page.keyboard.press("Escape");

    const row = page.getByRole("listitem").filter({ hasText: "Harbour Office" });
    await row.getByText("Team").waitFor();
    await row.getByRole("button", { name: "Change Harbour Office" }).click();
    dialog = page.getByRole("dialog");
    await dialog.getByLabel("State").selectOption({ label: "Suspended" });
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await row.getByText("Suspended", { exact: true }).waitFor();
    await expect.poll(works, { timeout: 10_000 }).toBe(401);

    await row.getByRole("button", { name: "Remove Harbour Office" }).click();
    dialog = page.getByRole("dialog");
    const remove = dialog.getByRole("button", { name: "Remove for good" });
    expect(await remove.isDisabled()).toBe(true);
    await dialog.getByLabel("Type harbour to remove it").fill("harbour");
    await remove.click();
    await row.waitFor({ state: "detached" });
    await page.setViewportSize({ width: 360, height: 700 });
    await expectNoSidewaysScrolling(page);
    await page.setViewportSize({ width: 1440, height: 900 });

    await page.reload();
    await page.getByLabel("Operator's key").waitFor();
  });
});
