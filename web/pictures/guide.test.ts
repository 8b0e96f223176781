import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import type { Page } from "playwright-core";
import { beforeAll, expect, inject, it } from "vitest";

import { ask, EMAIL, enter, PASSWORD, visit } from "../e2e/browser";
import { Api } from "../figures/installed";

const ROOT = resolve(import.meta.dirname, "../..");
const GUIDE = join(ROOT, "docs/guide/web");
const address = inject("address");
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
/** Of 100, as Chromium writes WebP: letters stay sharp. */
const QUALITY = 55;

const LANGUAGES = [
  { name: "en", locale: "en-GB", question: "How many days of annual leave do employees get?" },
  { name: "vi", locale: "vi-VN", question: "Nhân viên được nghỉ phép bao nhiêu ngày một năm?" },
];

interface Made {
  documentId: string;
  agentId: string;
  agentRunId: string;
  workflowId: string;
  workflowRunId: string;
  setId: string;
  runIds: string[];
}

let made: Made;

beforeAll(async () => {
  const first = await visit(address);
  await enter(first.page, address, inject("token"));
  await first.leave();
  made = await fill(await Api.signIn());
});

/** Something of everything that a page shows. */
async function fill(api: Api): Promise<Made> {
  await api.allRead();
  for (const [email, name, role] of [["an@example.org", "Nguyễn Thị An", "manager"], ["bo@example.org", "Bo Lindgren", "employee"], ["carla@example.org", "Carla Rossi", "director"]]) {
    await api.post("/users", { email, name, role });
  }
  for (const name of ["Finance", "People", "Workshop"]) await api.post("/groups", { name });
  await api.post("/collections", { name: "Salaries", visibility: "private", description: "Granted to People alone" });
  const title = "Travel expenses 2026";
  const text = (limit: number) => `# ${title}\n\n## Hotels\n\nA night in a hotel is paid up to ${limit} euros.\n\n## Trains\n\nTrains are booked in second class.`;
  const { documents: [document] } = await api.post<{ documents: { id: string }[] }>("/documents", { title, content: text(120), metadata: { path: "Rules/Travel/expenses.md", labels: ["travel"] } });
  const documentId = document?.id ?? "";
  await api.allRead();
  await api.put(`/documents/${documentId}`, { title, content: text(145) });
  await api.allRead();
  const uses = { uses: ["agent"], base_url: `${inject("vendor")}/v1`, api_key: "none" };
  await api.post("/connections", { name: "Local", provider: "openai-compatible", model: "m-1", ...uses });
  await api.post("/webhooks", { name: "Intranet", url: `${inject("vendor")}/channel`, events: ["document.created", "answer.rated"] });
  await api.post("/embeds", { name: "Help centre", origins: ["https://help.example.org"] });
  for (const { question } of LANGUAGES) {
    const { query_id } = await api.post<{ query_id: string }>("/query", { query: question });
    await api.post("/feedback", { query_id, rating: 5, comment: "" });
  }
  await api.post("/query", { query: "Who won the boat race in 1931?" });
  count();
  const agent = await api.post<{ id: string }>("/agents", { name: "Clerk", slug: "clerk", instructions: "Answer briefly from the documents.", tools: ["search_documents"] });
  const run = await api.post<{ id: string }>(`/agents/${agent.id}/execute`, { input: "When are salaries paid in Bristol?" });
  const workflow = await api.post<{ id: string }>("/workflows", { slug: "digest", template: "monthly-digest" });
  const workflowRun = await api.post<{ id: string }>(`/workflows/${workflow.id}/run`, { inputs: {} });
  const set = await api.post<{ id: string }>("/evaluations/datasets", { name: "Leave and travel" });
  await api.post(`/evaluations/datasets/${set.id}/cases`, { question: "How many days of annual leave do employees get?", gold: ["25 working days"] });
  await api.post(`/evaluations/datasets/${set.id}/cases`, { question: "Who won the boat race in 1931?", abstain: true });
  const runIds: string[] = [];
  for (let count = 0; count < 2; count += 1) {
    const { id } = await api.post<{ id: string }>("/evaluations/runs", { dataset_id: set.id });
    await api.until<{ finished_at: string | null }>(`/evaluations/runs/${id}`, ({ finished_at }) => finished_at !== null);
    runIds.push(id);
  }
  return { documentId, agentId: agent.id, agentRunId: run.id, workflowId: workflow.id, workflowRunId: workflowRun.id, setId: set.id, runIds };
}

/** Analytics is counted every five minutes, or at once by the command. */
function count(): void {
  const python = process.env["PYTHON"] ?? join(ROOT, ".venv/bin/python");
  const words = ["-m", "citewell.entrypoints.cli", "analytics", "recount"];
  execFileSync(python, words, { cwd: ROOT, env: { ...process.env, CITEWELL_HOME: inject("home") } });
}

/** The pages that have an address of their own, by the name of their picture. */
function pages(): Record<string, string> {
  const { documentId, agentId, agentRunId, workflowId, workflowRunId, setId, runIds } = made;
  const views = (path: string, names: readonly string[]) => Object.fromEntries(names.map((name) => [`${path.split("/")[1]}-${name}`, `${path}?view=${name}`]));
  return {
    documents: "/documents",
    trash: "/documents/trash",
    "document-versions": `/documents/${documentId}?view=versions`,
    "document-access": `/documents/${documentId}?view=access`,
    "document-properties": `/documents/${documentId}?view=properties`,
    "document-activity": `/documents/${documentId}?view=activity`,
    collections: "/collections",
    agents: "/agents",
    "agent-definition": `/agents/${agentId}?view=definition`,
    "agent-run": `/agent-runs/${agentRunId}`,
    workflows: "/workflows",
    "workflow-graph": `/workflows/${workflowId}?view=graph`,
    "workflow-source": `/workflows/${workflowId}?view=source`,
    "workflow-run": `/workflow-runs/${workflowRunId}`,
    quality: "/quality",
    "quality-cases": `/quality/${setId}?view=cases`,
    "quality-run": `/quality/${setId}/runs/${runIds[0]}`,
    "quality-compare": `/quality/${setId}/compare/${runIds[0]}/${runIds[1]}`,
    account: "/account",
    ...views("/analytics", ["usage", "questions", "documents", "spending", "log"]),
    ...views("/administration", ["users", "groups", "keys", "connections", "webhooks", "embeds", "usage", "settings", "questions", "audit", "system"]),
  };
}

async function take(page: Page, folder: string, name: string): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.waitForFunction(() => document.querySelector(".skeleton") === null);
  await page.evaluate(() => document.fonts.ready);
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: QUALITY });
  await session.detach();
  writeFileSync(join(folder, `${name}.webp`), Buffer.from(data, "base64"));
}

it.each(LANGUAGES)("shows every page in $name", async ({ name, locale, question }) => {
  const folder = join(GUIDE, name);
  mkdirSync(folder, { recursive: true });
  const visitor = await visit(address, { locale });
  const { page } = visitor;
  try {
    await page.setViewportSize(DESK);
    await page.goto(address);
    await page.getByLabel(/e-mail/i).waitFor();
    await take(page, folder, "sign-in");
    await page.getByLabel(/e-mail/i).fill(EMAIL);
    await page.getByLabel(/^(Password|Mật khẩu)$/).fill(PASSWORD);
    await page.keyboard.press("Enter");
    await page.getByRole("navigation", { name: /^(Pages|Các trang)$/ }).waitFor();
    await take(page, folder, "start");
    await ask(page, question);
    await take(page, folder, "answer");
    await page.locator("article").last().locator(".chip").first().click();
    await page.getByRole("complementary").locator("mark, .highlight").first().waitFor();
    await take(page, folder, "reader");
    await page.setViewportSize(PHONE);
    await take(page, folder, "reader-phone");
    await page.keyboard.press("Escape");
    await take(page, folder, "answer-phone");
    await page.setViewportSize(DESK);
    for (const [picture, path] of Object.entries(pages())) {
      await page.goto(`${address}${path}`);
      await page.locator("main h1").first().waitFor();
      await take(page, folder, picture);
    }
    await page.goto(address);
    await page.getByRole("navigation", { name: /^(Pages|Các trang)$/ }).waitFor();
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    await take(page, folder, "palette");
    expect(visitor.complaints).toEqual([]);
  } finally {
    await visitor.leave();
  }
});
