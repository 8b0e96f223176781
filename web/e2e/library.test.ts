import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { ask, enter, expectAccessible, expectNoSidewaysScrolling, PASSWORD, visit, type Visitor } from "./browser";

const address = inject("address");
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1440, height: 900 };

let visitor: Visitor;

beforeAll(async () => {
  visitor = await visit(address);
  await enter(visitor.page, address, inject("token"));
});

afterAll(async () => {
  await visitor.leave();
  expect(visitor.complaints).toEqual([]);
});

describe("many documents", () => {
  it("are moved into folders, labelled and deleted together, and all of it is taken back", async () => {
    const { page } = visitor;
    await page.goto(`${address}/documents`);
    const files = ["One", "Two"].map((title) => ({
      name: `${title}.md`, mimeType: "text/markdown", buffer: Buffer.from(`# Lighthouse ${title}\n\nThe lamp number ${title} burns at night.`),
    }));
    await page.locator("input[type=file]:not([webkitdirectory])").setInputFiles(files);
    for (const { name } of files) await page.getByRole("region", { name: "Uploads" }).locator("li", { hasText: name }).getByText("Ready").waitFor();
    await page.getByLabel("Search titles").fill("Lighthouse");
    await page.getByText("2 documents", { exact: true }).waitFor();

    await page.getByLabel("Choose all on this page").check();
    const bar = page.getByRole("group", { name: "Chosen documents" });
    await bar.getByText("2 chosen").waitFor();
    await expectAccessible(page);
    await bar.getByRole("button", { name: "Move" }).click();
    await page.getByRole("textbox", { name: "Folder" }).fill("Coast/North");
    await page.keyboard.press("Enter");
    await page.getByText("2 documents changed.").waitFor();
    const folders = page.getByRole("navigation", { name: "Folders" });
    await folders.getByRole("button", { name: /^Coast/ }).click();
    await folders.getByRole("button", { name: /^North/ }).click();
    await page.getByText("2 documents", { exact: true }).waitFor();
    expect(new URL(page.url()).searchParams.get("folder")).toBe("Coast/North");

    await page.getByLabel("Choose Lighthouse One").check();
    await bar.getByRole("button", { name: "Add a label" }).click();
    await page.getByRole("dialog").getByLabel("Label").fill("lamps");
    await page.keyboard.press("Enter");
    await page.getByText("1 document changed.").waitFor();
    await page.getByLabel("Label", { exact: true }).fill("lamps");
    await page.getByText("1 document", { exact: true }).waitFor();
    await page.setViewportSize(PHONE);
    await expectNoSidewaysScrolling(page);
    await page.setViewportSize(DESK);
    await page.getByLabel("Label", { exact: true }).fill("");

    await page.getByText("2 documents", { exact: true }).waitFor();
    await page.getByLabel("Choose all on this page").check();
    await bar.getByRole("button", { name: "Delete" }).click();
    await page.getByText("No document fits").waitFor();
    await page.getByRole("button", { name: "Undo" }).click();
    await page.getByText("2 documents", { exact: true }).waitFor();
  });
});

describe("a document", () => {
  it("says which others have nearly its text, and who can see it and why", async () => {
    const { page } = visitor;
    const text = ["salt", "wool", "tin", "coal", "hemp"].map((cargo, at) => `Barge ${at} carries ${at * 7} crates of ${cargo} to the quay of Merrowdale.`).join(" ");
    const file = (name: string, content: string) => ({ name, mimeType: "text/markdown", buffer: Buffer.from(content) });
    await page.goto(`${address}/documents`);
    for (const each of [file("barges.md", text), file("barges-new.md", text.replace("tin", "copper")), file("barges-copy.md", text)]) {
      await page.locator("input[type=file]:not([webkitdirectory])").setInputFiles([each]);
      await page.getByRole("region", { name: "Uploads" }).locator("> ul > li", { hasText: each.name }).first().getByText("Ready").waitFor();
    }
    const rows = page.getByRole("region", { name: "Uploads" }).locator("> ul > li");
    await rows.last().getByText("(the same content)").waitFor();
    const row = rows.nth(1);
    await row.getByText(/% of the text in common/).first().waitFor();
    await row.getByRole("link", { name: "barges.md", exact: true }).click();
    await page.getByRole("heading", { name: "barges.md" }).waitFor();
    await page.getByText("Also in the library, and answering beside it:").waitFor();

    await page.getByRole("link", { name: "Access" }).or(page.getByRole("tab", { name: "Access" })).or(page.getByRole("button", { name: "Access" })).first().click();
    await page.getByRole("heading", { name: "Everybody and this document" }).waitFor();
    const people = page.locator("main details");
    await people.first().getByText("Reads and changes").waitFor();
    await people.first().locator("summary").click();
    await people.first().locator("li").getByText(/reads up to the level/).waitFor();
    await expectAccessible(page);
    await page.getByLabel("People shown").selectOption("Those who cannot see it");
    await page.getByRole("searchbox", { name: "Search by name or address" }).fill("nobody-of-that-name");
    await page.getByText("Nobody fits.").waitFor();
    await page.setViewportSize(PHONE);
    await expectNoSidewaysScrolling(page);
    await page.setViewportSize(DESK);
  });
});

describe("uploads", () => {
  it("give a document the level that is chosen, also the usual one, and leave it where none is", async () => {
    const { page } = visitor;
    const file = { name: "beacon.md", mimeType: "text/markdown", buffer: Buffer.from("# Beacon\n\nThe beacon is lit at dusk.") };
    for (const [chosen, kept] of [["public", "public"], ["", "public"], ["internal", "internal"]] as const) {
      await page.goto(`${address}/documents`);
      await page.locator("label", { hasText: "Access level" }).locator("select").selectOption(chosen);
      const answered = page.waitForResponse((response) => response.url().endsWith("/documents/upload"));
      await page.locator("input[type=file]:not([webkitdirectory])").setInputFiles([file]);
      expect((await answered).status()).toBe(202);
      await page.getByLabel("Search titles").fill("Beacon");
      await page.locator("select[aria-label='Access level']").selectOption(kept);
      await page.getByText("1 document", { exact: true }).waitFor();
    }
  });

  it("that fail say what the server says by keyboard, and are led to from System", async () => {
    const { page } = visitor;
    await page.goto(`${address}/documents`);
    await page.locator("input[type=file]:not([webkitdirectory])").setInputFiles([
      { name: "wrecked.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7 wrecked") },
    ]);
    await page.getByRole("region", { name: "Uploads" }).locator("li", { hasText: "wrecked.pdf" }).getByText("Failed").waitFor();
    await page.goto(`${address}/administration?view=system`);
    await page.getByRole("link", { name: /documents? failed$/ }).click();
    const row = page.locator("main ul.border-y li", { hasText: "wrecked" });
    await row.getByText("or it is no PDF file as its name says").waitFor();
    const words = row.locator("details p[lang=en]");
    expect(await words.isVisible()).toBe(false);
    await row.getByText("What the server says").focus();
    await page.keyboard.press("Enter");
    await words.waitFor();
    expect(await words.innerText()).not.toBe("");
    await expectAccessible(page);
  });
});

describe("the first question", () => {
  it("is suggested from the library, in the language of the page, and is answered", async () => {
    const { page } = visitor;
    await page.goto(address);
    const section = page.locator("section", { has: page.getByRole("heading", { name: "Your documents say something about these:" }) });
    await section.getByRole("button").first().waitFor();
    expect(await section.getByRole("button").count()).toBe(6);
    expect(await section.getByRole("button").first().getAttribute("lang")).toBe("en");
    await expectAccessible(page);
    await section.getByRole("button").first().click();
    await page.locator("article").last().locator(".chip").first().waitFor();
  });
});

describe("limits of a question", () => {
  it("hold for filters and days, are always in sight, and are dropped with a click", async () => {
    const { page } = visitor;
    const question = "When does the lamp number One burn?";
    await page.goto(address);
    await page.getByRole("button", { name: "Limits" }).click();
    await page.getByLabel("As of").fill("2020-01-01");
    const chips = page.getByRole("list", { name: "Limits" });
    await chips.getByText("As of 1 Jan 2020").waitFor();
    await expectAccessible(page);
    await ask(page, question);
    await page.locator("article").last().getByText("I could not find an answer").waitFor();
    await chips.getByRole("button", { name: /^Remove the limit As of/ }).click();
    await ask(page, question);
    const answer = page.locator("article").last();
    await answer.locator(".chip").first().waitFor();
    await answer.getByText("Passages that were read").click();
    await answer.getByText(/Why it was found: (close in meaning|holds the words)/).first().waitFor();
    await expectAccessible(page);
  });

  it("show administrators what another user is answered", async () => {
    const { page } = visitor;
    const email = "guest@example.org";
    await page.goto(`${address}/administration?view=users`);
    await page.getByRole("button", { name: "Invite", exact: true }).click();
    await page.getByRole("dialog").getByLabel("E-mail address").fill(email);
    await page.getByRole("dialog").getByLabel("Role").selectOption("guest");
    await page.getByRole("dialog").getByRole("button", { name: "Invite" }).click();
    const link = await page.getByRole("dialog", { name: `Invitation for ${email}` }).locator("pre").innerText();
    await page.keyboard.press("Escape");
    const guest = await visit(address);
    try {
      await guest.page.goto(link);
      await guest.page.getByLabel("Password").fill(PASSWORD);
      await guest.page.getByRole("button", { name: "Create the account" }).click();
      await guest.page.getByRole("heading", { name: "What do you want to know?" }).waitFor();

      await page.goto(address);
      await page.getByRole("button", { name: "Limits" }).click();
      await page.getByLabel("With the rights of").selectOption(email);
      await page.getByRole("list", { name: "Limits" }).getByText(`As ${email}`).waitFor();
      await ask(page, "When does the lamp number One burn?");
      await page.locator("article").last().getByText("I could not find an answer").waitFor();

      // The link for a new password, and what it makes of the old one.
      await page.goto(`${address}/administration?view=users`);
      await page.locator("main li", { hasText: email }).getByRole("button", { name: "Reset password" }).click();
      const reset = await page.getByRole("dialog", { name: `New password for ${email}` }).locator("pre").innerText();
      await page.keyboard.press("Escape");
      await guest.page.goto("about:blank");
      await guest.page.goto(reset);
      expect(await guest.page.getByLabel("E-mail address").inputValue()).toBe(email);
      await guest.page.getByLabel("Password").fill(`${PASSWORD}-2`);
      await expectAccessible(guest.page);
      await guest.page.getByRole("button", { name: "Set the password" }).click();
      await guest.page.getByRole("heading", { name: "What do you want to know?" }).waitFor();
      await guest.page.goto("about:blank");
      await guest.page.goto(reset);
      await guest.page.getByLabel("Password").fill(`${PASSWORD}-3`);
      await guest.page.getByRole("button", { name: "Set the password" }).click();
      await guest.page.getByRole("alert").getByText("The link does not work any more").waitFor();
    } finally {
      await guest.leave();
    }
  });
});
