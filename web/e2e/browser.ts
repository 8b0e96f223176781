import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AxeBuilder } from "@axe-core/playwright";
import { chromium, type BrowserContext, type Page } from "playwright-core";
import { expect } from "vitest";

/** Flags that keep Chromium from speaking to anybody but the server under test. */
const QUIET = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const PASSWORD = "plum-anchor-violet-desk";
export const EMAIL = "ann@example.org";

export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** Requests to other hosts, errors of scripts, refusals by the policy: all of which must not be. */
  complaints: string[];
  leave: () => Promise<void>;
}

/** A browser with a profile of its own. */
export async function visit(address: string, options: { locale?: string } = {}): Promise<Visitor> {
  const profile = mkdtempSync(join(tmpdir(), "cw-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: QUIET,
    locale: options.locale ?? "en-GB",
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(90_000); // CI machines are busy
  const complaints: string[] = [];
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(address) && !url.startsWith("data:") && !url.startsWith("blob:")) {
      complaints.push(`request to ${url}`);
    }
  });
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
  });
  const leave = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, page, complaints, leave };
}

export async function signIn(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.getByLabel(/e-mail/i).fill(EMAIL);
  await page.getByLabel(/^(Password|Mật khẩu)$/).fill(PASSWORD);
  await page.getByRole("button", { name: /^(Sign in|Đăng nhập)$/ }).click();
  await page.getByRole("navigation", { name: /^(Pages|Các trang)$/ }).waitFor();
}

/** Signs in; makes the first account of the installation before, if there is none. */
export async function enter(page: Page, address: string, token: string): Promise<void> {
  await fetch(`${address}/api/v1/auth/setup`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token, email: EMAIL, password: PASSWORD, name: "" }),
  });
  await signIn(page, address);
}

export async function ask(page: Page, question: string): Promise<void> {
  await page.getByLabel(/^(Your question|Câu hỏi của bạn)$/).fill(question);
  await page.keyboard.press("Enter");
  // Its own answer, not the one before it.
  const asked = page.locator("article").filter({ has: page.getByRole("heading", { name: question, exact: true }) });
  await asked.last().locator("fieldset").waitFor();
}

/** No violation that axe finds, in the light and in the dark. */
export async function expectAccessible(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.locator(`html[data-theme=${colorScheme}]`).waitFor({ state: "attached" });
    const { violations } = await new AxeBuilder({ page })
      .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
      .analyze();
    const told = violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(" ")}`);
    expect(told, `${page.url()} in ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

/** Nothing is wider than the window. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const excess = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(excess, page.url()).toBeLessThanOrEqual(0);
}

/** Letters and digits: white space, hyphens and ligatures differ between a quote and a page. */
export function letters(text: string): string {
  return text.normalize("NFKD").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
}
