import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";

import { EMAIL, enter, PASSWORD, visit, type Visitor } from "./browser";
import { launch, withModel, type Installation } from "./installation";
import { SLOWLY } from "./vendor";

const QUESTION = `Say ${SLOWLY} when salaries are paid in Bristol.`;
const FIRST = "Salaries are paid on the 28th of the month in Bristol";
const SECOND = "Salaries are paid by bank transfer in Bristol";
const PAY = "# Pay\n\nSalaries are paid on the 28th of the month in Bristol. Salaries are paid by bank transfer in Bristol.";

/** A way to a server that can be cut, as by a proxy or a network that goes away. */
class Line {
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  isUp = true;

  constructor(private readonly port: () => number) {
    this.server = createServer((near) => {
      if (!this.isUp) {
        near.destroy();
        return;
      }
      const far = connect(this.port(), "127.0.0.1");
      for (const [one, other] of [[near, far], [far, near]] as const) {
        this.sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => { this.sockets.delete(one); other.destroy(); });
        one.pipe(other);
      }
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, "127.0.0.1", done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.isUp = false;
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}

const home = mkdtempSync(join(tmpdir(), "cw-"));
const settings = withModel(inject("vendor"));
const line = new Line(() => Number(new URL(installation.address).port));
let installation: Installation;
let visitor: Visitor;
let address: string;

beforeAll(async () => {
  installation = await launch(home, settings, "--port", "0");
  address = await line.open();
  visitor = await visit(address);
  await enter(visitor.page, address, installation.token);
  const call = async <Reply>(method: "GET" | "POST", path: string, body?: object, bearer = "") => {
    const headers = { "Content-Type": "application/json", ...(bearer === "" ? {} : { Authorization: `Bearer ${bearer}` }) };
    const reply = await fetch(`${installation.address}/api/v1${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    expect(reply.ok, path).toBe(true);
    return (await reply.json()) as Reply;
  };
  const { access_token: bearer } = await call<{ access_token: string }>("POST", "/auth/login", { email: EMAIL, password: PASSWORD });
  await call("POST", "/documents", { title: "Pay", content: PAY }, bearer);
  await vi.waitUntil(async () => {
    const { data } = await call<{ data: { status: string }[] }>("GET", "/documents", undefined, bearer);
    return data.every(({ status }) => status === "ready");
  }, { timeout: 90_000, interval: 200 });
});

afterAll(async () => {
  await visitor.leave();
  line.close();
  await installation.end("SIGTERM");
  rmSync(home, { recursive: true, force: true });
});

/** Asks, and waits until the first sentence is there and the second is not. */
async function askedHalf(): Promise<void> {
  const { page } = visitor;
  await page.goto(address);
  await page.getByText("1 document in the library").waitFor();
  await page.getByLabel("Your question").fill(QUESTION);
  await page.keyboard.press("Enter");
  await page.locator("article").getByText(FIRST).first().waitFor();
  expect(await page.locator("article").innerText()).not.toContain(SECOND);
}

describe("an answer in the middle", () => {
  it("goes on where it was when the way to the server is cut and comes back", async () => {
    const { page } = visitor;
    await askedHalf();
    line.cut();
    await page.getByText("The connection broke.").waitFor();
    const answer = page.locator("article");
    expect(await answer.innerText()).toContain(FIRST);
    await fetch(`${inject("vendor")}/release`);
    await page.getByText("Citewell cannot be reached; it may be starting again.").waitFor();
    line.isUp = true;
    await answer.getByRole("button", { name: "Try now" }).click();
    await answer.locator("fieldset").waitFor();
    const said = await answer.innerText();
    for (const sentence of [FIRST, SECOND]) expect(said.split(sentence).length, said).toBe(2);
    await answer.locator(".chip").first().waitFor();
  });

  it("is said to be cut off when its server died, keeps what was written, and is asked again", async () => {
    const { page } = visitor;
    await askedHalf();
    const { port } = new URL(installation.address);
    await installation.end("SIGKILL");
    await page.getByText("The connection broke.").waitFor();
    installation = await launch(home, settings, "--port", port);
    const answer = page.locator("article");
    await answer.getByText("This answer was cut off. Ask again.").waitFor();
    expect(await answer.innerText()).toContain(FIRST);
    await answer.getByRole("button", { name: "Ask again" }).click();
    // The new answer, not the one that it stands beside.
    await answer.getByText("2 of 2").waitFor();
    await page.locator("article").last().getByText(FIRST).first().waitFor();
    await fetch(`${inject("vendor")}/release`);
    await page.locator("article").last().locator("fieldset").waitFor();
    expect(await page.locator("article").last().innerText()).toContain(SECOND);
    expect(visitor.complaints).toEqual([]);
  });
});
