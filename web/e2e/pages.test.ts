import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import {
  ask, EMAIL, expectAccessible, expectNoSidewaysScrolling, letters, PASSWORD, signIn, visit,
  type Visitor,
} from "./browser";

const address = inject("address");
const ENGLISH = "How fast do I have to report a lost device or another security incident?";
const VIETNAMESE = "Nhân viên phòng thí nghiệm hiệu chuẩn được bao nhiêu ngày phép một năm?";
const IN_PDF = "Which extension do I call for the safety officer in Bristol?";
const UNANSWERABLE = "How do I change the toner cartridge of the printer on the second floor?";
const HOSTILE = `<img src=x onerror="document.title='run'">`;

let visitor: Visitor;

beforeAll(async () => {
  visitor = await visit(address);
});

afterAll(async () => {
  await visitor.leave();
  expect(visitor.complaints).toEqual([]);
});

describe("the first minute", () => {
  it("turns the link of the start into an administrator's account", async () => {
    const { page } = visitor;
    await page.goto(`${address}/setup#wrong`);
    await page.getByLabel("E-mail address").fill(EMAIL);
    await page.getByLabel("Password").fill(PASSWORD);
    await expectAccessible(page);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByRole("alert").getByText("The link does not work").waitFor();
    expect(await page.getByLabel("Password").inputValue()).toBe(PASSWORD);

    await page.goto("about:blank");
    await page.goto(`${address}/setup#${inject("token")}`);
    await page.getByLabel("E-mail address").fill(EMAIL);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Create the account" }).click();
    await page.getByRole("heading", { name: "What do you want to know?" }).waitFor();
    expect(page.url()).toBe(`${address}/`);
    await page.getByText("15 documents in the library").waitFor();
    expect(await page.locator("ul button[lang=en]").count()).toBe(3);
    expect(await page.locator("ul button[lang=vi]").count()).toBe(3);
    await expectAccessible(page);

    await page.goto(`${address}/setup`);
    await page.getByRole("heading", { name: "This installation is in use" }).waitFor();
    await page.getByText("citewell user create", { exact: true }).waitFor();
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "What do you want to know?" }).waitFor();
  });

  it("keeps the session over a reload, and the token out of the browser's stores", async () => {
    const { page } = visitor;
    await page.reload();
    await page.getByRole("navigation", { name: "Pages" }).waitFor();
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    expect(kept + (await page.evaluate(() => document.cookie))).not.toMatch(/eyJ|cwr_|cws_/);
  });
});

describe("asking", () => {
  it("marks the very passage of an English answer in the text of its document", async () => {
    const { page } = visitor;
    await page.goto(address);
    await ask(page, ENGLISH);
    const answer = page.locator("article").last();
    await answer.locator(".grade", { hasText: "quoted" }).first().waitFor();
    expect(await answer.innerText()).toMatch(/confidence/i);

    const chip = answer.locator(".chip").first();
    await chip.focus();
    const quote = await page.locator("blockquote").innerText();
    await page.keyboard.press("Enter");
    const reader = page.getByRole("complementary");
    await reader.locator("mark").first().waitFor();
    const marked = (await reader.locator("mark").allInnerTexts()).join("");
    expect(letters(marked)).toBe(letters(quote));
    expect(await isInSight(reader.locator("mark").first())).toBe(true);
    await expectAccessible(page);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await reader.waitFor({ state: "detached" });
    await page.waitForFunction(() => document.activeElement?.classList.contains("chip"));
  });

  it("marks the quotes of a PDF on its page", async () => {
    const { page } = visitor;
    await ask(page, IN_PDF);
    const answer = page.locator("article").last();
    const sources = answer.locator("ol button", { hasText: /page \d/ });
    const chips = answer.locator(".chip");
    expect(await sources.count()).toBeGreaterThan(0);
    let seen = 0;
    for (const chip of await chips.all()) {
      await chip.focus();
      const card = page.locator("blockquote");
      const quote = await card.innerText();
      const place = await page.locator("blockquote ~ p").last().innerText();
      await page.keyboard.press("Enter");
      const number = /page (\d+)/.exec(place)?.[1];
      if (number === undefined) continue;
      const sheet = page.locator(`.pdf-page[data-page="${number}"]`);
      const mark = sheet.locator("mark").first();
      if (!(await page.locator(".pdf").isVisible().catch(() => false))) await page.locator(".pdf").waitFor();
      await mark.waitFor();
      const marked = (await sheet.locator("mark").allTextContents()).join("");
      expect(letters(marked)).toBe(letters(quote));
      expect(await isInSight(mark)).toBe(true);
      seen += 1;
    }
    expect(seen).toBeGreaterThan(0);
    await expectAccessible(page);
    await page.getByRole("button", { name: "Text", exact: true }).click();
    await page.getByRole("complementary").locator(".prose mark").first().waitFor();
    await page.getByRole("button", { name: "Close the reader" }).click();
  });

  it("says that nothing was found and shows what comes nearest", async () => {
    const { page } = visitor;
    await ask(page, UNANSWERABLE);
    const answer = page.locator("article").last();
    await answer.getByText("I could not find an answer").waitFor();
    await answer.getByText("These passages come nearest").waitFor();
    expect(await answer.locator(".chip").count()).toBe(0);
    await answer.locator("ol button").first().click();
    await page.getByRole("complementary").locator("mark").first().waitFor();
    await page.getByRole("button", { name: "Close the reader" }).click();
  });

  it("takes a rating with a comment, by keyboard", async () => {
    const { page } = visitor;
    const answer = page.locator("article").last();
    await answer.getByRole("radio").first().focus();
    await page.keyboard.press("ArrowRight");
    await answer.getByText("Saved").waitFor();
    await answer.getByRole("textbox").fill("Nothing about printers.");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await answer.getByText("Saved").waitFor();
  });

  it("keeps what is typed when the server cannot be reached", async () => {
    const { page, context } = visitor;
    await context.setOffline(true);
    await page.getByLabel("Your question").fill(ENGLISH);
    await page.keyboard.press("Enter");
    const answer = page.locator("article").last();
    await answer.getByText("cannot be reached").waitFor();
    await context.setOffline(false);
    await answer.getByRole("button", { name: "Try again" }).click();
    await page.locator("article").last().locator(".chip").first().waitFor();
  });

  it("shows hostile text as text", async () => {
    const { page } = visitor;
    await ask(page, HOSTILE);
    await page.getByRole("heading", { name: HOSTILE }).waitFor();
    expect(await page.title()).not.toBe("run");
    expect(await page.locator("article img").count()).toBe(0);
  });
});

describe("conversations", () => {
  it("keep their questions over a reload, understand follow-ups, and branch", async () => {
    const { page } = visitor;
    await page.getByRole("link", { name: "New conversation" }).click();
    await ask(page, "When are salaries paid in Bristol?");
    await page.waitForURL(/\/c\/[0-9a-f-]+$/);
    await ask(page, "And in Đà Nẵng?");
    const article = page.locator("article");
    await article.last().getByText("Understood as: When are salaries paid in Đà Nẵng?").waitFor();
    await page.reload();
    await article.nth(1).locator(".chip").first().waitFor();
    expect(await article.count()).toBe(2);

    await article.last().getByRole("button", { name: "Edit the question" }).click();
    await page.getByRole("textbox", { name: "Edit the question" }).fill("And in Hanoi?");
    await page.keyboard.press("Enter");
    await article.last().getByText("2 of 2").waitFor();
    await article.last().locator("fieldset").waitFor();
    await article.last().getByRole("button", { name: "Earlier version" }).click();
    await article.last().getByRole("heading", { name: "And in Đà Nẵng?" }).waitFor();
    await expectAccessible(page);
  });

  it("are seen in another tab, found, renamed, and brought back after being deleted", async () => {
    const { page, context } = visitor;
    const other = await context.newPage();
    await other.goto(page.url());
    await other.locator("article").nth(1).waitFor();
    await ask(page, "How long is probation?");
    await other.getByRole("heading", { name: "How long is probation?" }).waitFor();
    await other.close();

    const list = page.getByRole("navigation", { name: "Conversations" });
    const act = async (title: string, action: string) => {
      await list.getByRole("button", { name: `Actions for ${title}` }).click();
      await page.getByRole("menuitem", { name: action, exact: true }).click();
    };
    await act("When are salaries paid in Bristol?", "Rename");
    await page.getByRole("textbox", { name: "Title of the conversation" }).fill("Paydays");
    await page.keyboard.press("Enter");
    await list.getByRole("link", { name: "Paydays" }).waitFor();
    await list.getByRole("searchbox").fill("Đà Nẵng");
    await list.getByRole("link", { name: "Paydays" }).waitFor();
    await act("Paydays", "Delete");
    await list.getByRole("link", { name: "Paydays" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Undo" }).click();
    await list.getByRole("link", { name: "Paydays" }).click();
    await page.locator("article").first().waitFor();
    await list.getByRole("searchbox").fill("");
  });
});

describe("an answer on paper", () => {
  it("has its question, sentences and quotes, and nothing to click", async () => {
    const { page } = visitor;
    await page.getByRole("link", { name: "New conversation" }).click();
    await ask(page, ENGLISH);
    const answer = page.locator("article").last();
    await ask(page, VIETNAMESE);
    await answer.locator(".chip").first().focus();
    const quote = await page.locator("blockquote").innerText();
    await page.evaluate(() => { window.print = () => document.documentElement.setAttribute("data-asked", document.title); });
    await answer.getByRole("button", { name: "Export" }).click();
    await page.getByRole("menuitem", { name: "Print, or save as PDF" }).click();
    await page.locator("html[data-asked][data-printing=one]").waitFor({ state: "attached" });
    expect(await page.locator("html").getAttribute("data-asked")).toBe(VIETNAMESE);
    await page.emulateMedia({ media: "print", reducedMotion: "reduce" });
    expect(await page.locator("article:visible").count()).toBe(1);
    await answer.getByRole("heading", { name: VIETNAMESE }).waitFor();
    await answer.locator("ol", { hasText: quote.split("\n")[0] ?? "" }).waitFor();
    for (const gone of [page.locator("header"), page.getByLabel("Your question"), answer.locator("fieldset"), answer.getByRole("button", { name: "Export" })]) {
      expect(await gone.isVisible()).toBe(false);
    }
    await page.emulateMedia({ media: null, reducedMotion: "reduce" });
    await page.evaluate(() => dispatchEvent(new Event("afterprint")));
    expect(await page.locator("html[data-printing]").count()).toBe(0);
    expect(await page.locator("article:visible").count()).toBe(2);
  });
});

describe("documents", () => {
  it("are uploaded with progress, found, opened, deleted and brought back", async () => {
    const { page } = visitor;
    await page.getByRole("link", { name: "Documents" }).click();
    await page.getByText("15 documents").waitFor();
    const name = "a<b>b</b> notes.md";
    await page.locator("input[type=file]:not([webkitdirectory])").setInputFiles([
      { name, mimeType: "text/markdown", buffer: Buffer.from("# Tea\n\nTea is served at four.") },
      { name: "broken.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7 no") },
    ]);
    const list = page.getByRole("region", { name: "Uploads" });
    await list.locator("li", { hasText: "notes.md" }).getByText("Ready").waitFor();
    const broken = list.locator("li", { hasText: "broken.pdf" });
    await broken.getByText("Failed").waitFor();
    await broken.getByText("or it is no PDF file as its name says").waitFor();
    // The same bytes would fail again.
    expect(await broken.getByRole("button", { name: "Try again" }).count()).toBe(0);
    await expectAccessible(page);

    await page.getByLabel("Search titles").fill("Tea");
    const row = page.locator("main > ul li, main ul.border-y li").filter({ hasText: "Tea" });
    await page.getByText("1 document", { exact: true }).waitFor();
    await row.getByRole("button", { name: "Tea", exact: true }).click();
    await page.getByRole("complementary").getByText("Tea is served at four.").waitFor();
    await page.getByRole("button", { name: "Close the reader" }).click();
    await row.getByRole("button", { name: /Delete/ }).click();
    await page.getByText("No document fits").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("1 document", { exact: true }).waitFor();
  });
});

describe("versions", () => {
  it("are told apart: an answer shows the one it rests on, and that there is a newer one", async () => {
    const { page } = visitor;
    const upload = async (text: string) => {
      await page.getByRole("link", { name: "Documents" }).click();
      const rows = page.getByRole("region", { name: "Uploads" }).locator("li", { hasText: "tea.md" });
      const before = await rows.count();
      const file = { name: "tea.md", mimeType: "text/markdown", buffer: Buffer.from(text) };
      await page.locator("input[type=file]:not([webkitdirectory])").setInputFiles([file]);
      await rows.nth(before).getByText("Ready").waitFor();
    };
    await upload("# Kitchen\n\nThe samovar is heated every weekday at seven.");
    await page.getByRole("link", { name: "Ask", exact: true }).click();
    await ask(page, "When is the samovar heated?");
    await upload("# Kitchen\n\nThe samovar is heated every weekday at nine.");
    await page.getByRole("link", { name: "Ask", exact: true }).click();
    await page.locator("article").last().locator(".chip").first().click();
    const reader = page.getByRole("complementary");
    await reader.getByText("A newer version exists: 2").waitFor();
    await reader.locator("mark", { hasText: "at seven" }).waitFor();
    await page.getByRole("button", { name: "Close the reader" }).click();
  });

  it("come to the open reader from another tab, and so does their end", async () => {
    const { page, context } = visitor;
    const other = await context.newPage();
    const upload = async (text: string) => {
      await other.goto(`${address}/documents`);
      const file = { name: "coffee.md", mimeType: "text/markdown", buffer: Buffer.from(text) };
      await other.locator("input[type=file]:not([webkitdirectory])").setInputFiles([file]);
      await other.getByRole("region", { name: "Uploads" }).locator("li", { hasText: "coffee.md" }).getByText("Ready").waitFor();
    };
    await upload("# Canteen\n\nThe percolator is filled every weekday at eight.");
    await page.getByRole("link", { name: "Ask", exact: true }).click();
    await ask(page, "When is the percolator filled?");
    await page.locator("article").last().locator(".chip").first().click();
    const reader = page.getByRole("complementary");
    await reader.locator("mark", { hasText: "at eight" }).waitFor();
    await upload("# Canteen\n\nThe percolator is filled every weekday at ten.");
    await reader.getByText("A newer version exists: 2").waitFor();
    await reader.locator("mark", { hasText: "at eight" }).waitFor();
    await other.goto(`${address}/documents`);
    await other.getByRole("link", { name: "Details of Canteen" }).click();
    await other.getByRole("button", { name: "Delete", exact: true }).click();
    await reader.locator("mark").waitFor({ state: "detached" });
    await reader.getByRole("alert").waitFor();
    await page.getByRole("button", { name: "Close the reader" }).click();
    await other.getByRole("button", { name: "Undo" }).click();
    await other.getByRole("link", { name: "Details of Canteen" }).waitFor();
    await other.close();
  });

  it("are compared word by word, and an older one answers again", async () => {
    const { page } = visitor;
    await page.getByRole("link", { name: "Documents" }).click();
    await page.getByRole("link", { name: "Details of Kitchen" }).click();
    await page.getByRole("button", { name: "Compare with 1" }).click();
    await page.locator("del", { hasText: /^seven$/ }).waitFor();
    await page.locator("ins", { hasText: /^nine$/ }).waitFor();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Let this one answer" }).click();
    await page.getByText("Version 1 answers now.").waitFor();
    await page.locator("main li", { hasText: "Version 1" }).getByText("Answers now").waitFor();
    await page.getByRole("button", { name: "Access", exact: true }).click();
    await page.getByText(/^The role .* reads up to the level/).first().waitFor();
    await expectAccessible(page);
  });

  it("go to the trash with their document, and come back from it", async () => {
    const { page } = visitor;
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("link", { name: "Trash" }).click();
    await page.locator("main li", { hasText: "Kitchen" }).getByRole("button", { name: "Bring back" }).click();
    await page.getByText("is back").waitFor();
    await page.getByText("The trash is empty").waitFor();
    await expectAccessible(page);
  });
});

describe("administration", () => {
  it("invites a user, who registers by the link and does not see what administrators do", async () => {
    const { page } = visitor;
    await page.getByRole("link", { name: "Administration" }).click();
    await page.getByRole("button", { name: "Invite", exact: true }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("E-mail address").fill("bo@example.org");
    await dialog.getByRole("button", { name: "Invite" }).click();
    const link = await page.getByRole("dialog", { name: "Invitation for bo@example.org" }).locator("pre").innerText();
    await page.keyboard.press("Escape");
    await page.locator("main li", { hasText: "bo@example.org" }).getByText("Invited").waitFor();
    await expectAccessible(page);

    const invited = await visit(address);
    try {
      await invited.page.goto(link);
      expect(await invited.page.getByLabel("E-mail address").inputValue()).toBe("bo@example.org");
      await invited.page.getByLabel("Password").fill(PASSWORD);
      await invited.page.getByRole("button", { name: "Create the account" }).click();
      await invited.page.getByRole("heading", { name: "What do you want to know?" }).waitFor();
      await invited.page.getByRole("link", { name: "Administration" }).click();
      await invited.page.getByRole("button", { name: "API keys" }).waitFor();
      expect(await invited.page.getByRole("button", { name: "Users" }).count()).toBe(0);
    } finally {
      await invited.leave();
    }
    await page.getByRole("button", { name: "Audit" }).click();
    await page.getByText("user.created").first().waitFor();
    await expectAccessible(page);
  });

  it("connects a model, and tests it", async () => {
    const { page } = visitor;
    await page.getByRole("button", { name: "Models" }).click();
    await page.getByRole("button", { name: "New connection" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("Local");
    await dialog.getByLabel("Model", { exact: true }).fill("m-1");
    await dialog.getByLabel("Address").fill(`${inject("vendor")}/v1`);
    for (const use of ["Answers", "Follow-ups", "Titles", "Second reading"]) await dialog.getByLabel(use).uncheck();
    await dialog.getByRole("button", { name: "Save" }).click();
    const row = page.locator("main li", { hasText: "Local" });
    await row.getByRole("button", { name: "Test" }).click();
    await row.getByText("It works").waitFor();
    await expectAccessible(page);
  });
});

describe("agents", () => {
  it("run with a live trace, and act outside only once they are allowed to", async () => {
    const { page } = visitor;
    const sent = async () => (await (await fetch(`${inject("vendor")}/sent`)).json()) as string[];
    await page.getByRole("link", { name: "Agents", exact: true }).click();
    await page.getByRole("link", { name: "New agent" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Clerk");
    await page.getByLabel("Short name").fill("clerk");
    await page.getByLabel("Instructions").fill("Answer briefly, then tell the channel.");
    await page.getByLabel("Send to an allowed host").check();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByLabel("Task").fill("When are salaries paid in Bristol?");
    await page.getByRole("button", { name: "Start" }).click();

    const decision = page.getByRole("region", { name: "Waits for your decision" });
    await decision.getByText(`POST ${inject("vendor")}/channel`).waitFor();
    await page.getByText("Search documents").waitFor();
    expect(await sent()).toEqual([]);
    await expectAccessible(page);
    await decision.getByRole("button", { name: "Approve" }).click();
    const report = page.getByRole("region", { name: "Report" });
    await report.locator(".grade", { hasText: "unsupported" }).waitFor();
    expect(await sent()).toEqual(["Paid on the 28th."]);
    await report.locator(".chip").first().click();
    await page.getByRole("complementary").locator("mark").first().waitFor();
    await page.getByRole("button", { name: "Close the reader" }).click();
  });
});

describe("workflows", () => {
  it("are checked as they are typed, and run with every node's result and a person's decision", async () => {
    const { page } = visitor;
    await page.getByRole("link", { name: "Workflows" }).click();
    await page.getByRole("link", { name: "New workflow" }).click();
    await page.getByText("It can be run.").waitFor();
    const text = page.getByLabel("Text", { exact: true });
    const right = await text.inputValue();
    await text.fill(right.replace("kind: search", "kind: serch"));
    await page.getByRole("button", { name: /^Line \d/ }).first().waitFor();
    await expectAccessible(page);
    await text.fill(right);
    await page.getByText("It can be run.").waitFor();
    await page.getByLabel("Short name").fill("check");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByLabel("The topic").fill("annual leave");
    await page.getByRole("button", { name: "Start the run" }).click();
    const decision = page.getByRole("region", { name: "“ask” waits for your decision" });
    await decision.getByText(/passages about annual leave/).waitFor();
    await decision.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("status").getByText("Done").waitFor();
    await expectAccessible(page);
  });
});

describe("evaluation", () => {
  it("makes a case of an answer, runs the set twice, and compares the runs case by case", async () => {
    const { page } = visitor;
    await page.getByRole("link", { name: "Ask", exact: true }).click();
    await page.getByRole("link", { name: "New conversation" }).click();
    await ask(page, ENGLISH);
    await page.getByRole("button", { name: "Make an evaluation case" }).click();
    await page.getByLabel("Name of the new set").fill("Basics");
    await page.getByRole("button", { name: "Add to the set" }).click();
    await page.getByText("The case is in the set.").waitFor();
    await page.getByRole("link", { name: "Quality" }).click();
    await page.getByRole("link", { name: "Basics" }).click();
    await page.getByText(ENGLISH).waitFor();
    await page.getByRole("button", { name: "Runs" }).click();
    for (const count of [1, 2]) {
      await page.getByRole("button", { name: "Run now" }).click();
      await page.getByText(/% right/).nth(count - 1).waitFor();
    }
    for (const box of await page.getByLabel(/Choose the run of/).all()) await box.check();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Compare two" }).click();
    await page.getByText("The later one is not worse").waitFor();
    await page.getByText("1 case as before.").waitFor();
    await expectAccessible(page);
  });
});

describe("everywhere", () => {
  it.each(["en-GB", "vi-VN"])("arrives in 250 kB in %s, without what shows PDF files", async (locale) => {
    const fresh = await visit(address, { locale });
    try {
      const loaded: Promise<{ url: string; bytes: number }>[] = [];
      fresh.page.on("response", (response) => {
        const sizes = response.request().sizes();
        loaded.push(sizes.then(({ responseBodySize }) => ({ url: response.url(), bytes: responseBodySize })));
      });
      await fresh.page.goto(address);
      await fresh.page.getByRole("heading", { name: /^(Sign in|Đăng nhập)$/ }).waitFor();
      await fresh.page.waitForLoadState("networkidle");
      const files = await Promise.all(loaded);
      expect(files.some(({ url }) => url.endsWith(".js"))).toBe(true);
      expect(files.filter(({ url }) => url.includes("pdf"))).toEqual([]);
      expect(files.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(250_000);
    } finally {
      await fresh.leave();
    }
  });

  it("fits a small phone", async () => {
    const { page } = visitor;
    await page.setViewportSize({ width: 360, height: 700 });
    for (const name of ["Ask", "Documents"]) {
      await page.getByRole("link", { name, exact: true }).click();
      await page.locator("main h1").first().waitFor({ state: "attached" });
      await expectNoSidewaysScrolling(page);
    }
    await page.getByRole("link", { name: "Ask", exact: true }).click();
    const chip = page.locator(".chip").last();
    await chip.click();
    await page.getByRole("complementary").locator("mark").first().waitFor();
    await expectNoSidewaysScrolling(page);
    await page.getByRole("button", { name: "Close the reader" }).click();
    await page.waitForFunction(() => document.activeElement?.classList.contains("chip"));
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  it("finds pages, documents and conversations by name, with Ctrl+K", async () => {
    const { page } = visitor;
    await page.keyboard.press("Control+k");
    const palette = page.getByRole("combobox", { name: "Find or do" });
    await page.waitForFunction(() => document.activeElement?.role === "combobox");
    await page.keyboard.type("handbook");
    await page.getByRole("option", { name: /Employee Handbook/ }).waitFor();
    await expectAccessible(page);
    await palette.fill("trash");
    await page.getByRole("option", { name: /^Trash/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Trash" }).waitFor();
  });

  it("ends the session in all tabs", async () => {
    const { page, context } = visitor;
    const other = await context.newPage();
    await other.goto(address);
    await other.getByRole("navigation", { name: "Pages" }).waitFor();
    await page.getByRole("button", { name: "Account and settings" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await other.getByRole("heading", { name: "Sign in" }).waitFor();
    await other.close();
    await page.reload();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await expectAccessible(page);
    await page.getByLabel("E-mail address").fill(EMAIL);
    await page.getByLabel("Password").fill("not the password at all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("is wrong").waitFor();
  });

  it("speaks Vietnamese to those who do", async () => {
    const vietnamese = await visit(address, { locale: "vi-VN" });
    try {
      const { page } = vietnamese;
      await signIn(page, address);
      await page.getByRole("heading", { name: "Bạn muốn biết điều gì?" }).waitFor();
      expect(await page.locator("html").getAttribute("lang")).toBe("vi");
      await ask(page, VIETNAMESE);
      const answer = page.locator("article").last();
      expect(await answer.innerText()).toContain("16 ngày");
      await answer.locator(".grade", { hasText: "nguyên văn" }).first().waitFor();
      const chip = answer.locator(".chip").first();
      await chip.focus();
      const quote = await page.locator("blockquote").innerText();
      await page.keyboard.press("Enter");
      const marks = page.getByRole("complementary").locator("mark");
      await marks.first().waitFor();
      expect(letters((await marks.allTextContents()).join(""))).toBe(letters(quote));
      await expectAccessible(page);
      await page.goto(`${address}/agents`);
      await page.getByRole("link", { name: "So sánh tài liệu" }).waitFor();
      await page.goto(`${address}/workflows?view=templates`);
      await page.getByRole("heading", { name: "Tổng hợp hằng tháng" }).waitFor();
      await page.goto(`${address}/documents`);
      await page.getByText("hoặc không phải tệp PDF như tên tệp cho biết").first().waitFor();
      await expectAccessible(page);
      expect(vietnamese.complaints).toEqual([]);
    } finally {
      await vietnamese.leave();
    }
  });
});

async function isInSight(locator: ReturnType<Visitor["page"]["locator"]>): Promise<boolean> {
  return locator.evaluate((element) => {
    const box = element.getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight && box.width > 0;
  });
}
