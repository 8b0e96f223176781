import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";

import { enter, EMAIL, expectAccessible, PASSWORD, signIn, visit, type Visitor } from "./browser";

const address = inject("address");
const BACK = "cursor://anysphere.cursor-mcp/oauth/callback";

let query = "";

beforeAll(async () => {
  const first = await visit(address);
  // Makes the first account if this file runs alone.
  await enter(first.page, address, inject("token"));
  await first.leave();
  const reply = await fetch(`${address}/api/v1/auth/oauth/register`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: "Pad", redirect_uris: [BACK] }),
  });
  const { client_id } = (await reply.json()) as { client_id: string };
  const asked = { client_id, redirect_uri: BACK, response_type: "code", code_challenge: "x".repeat(43), code_challenge_method: "S256", scope: "read write", state: "1" };
  query = `?${new URLSearchParams(asked).toString()}`;
});

describe("the request of a program", () => {
  let visitor: Visitor;
  beforeAll(async () => {
    visitor = await visit(address);
  });
  afterAll(async () => {
    await visitor.leave();
  });

  it("outlasts signing in by password, and names scheme and host", async () => {
    const { page } = visitor;
    await page.goto(`${address}/authorize${query}`);
    await page.getByLabel(/e-mail/i).fill(EMAIL);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "May “Pad” act for you?" }).waitFor();
    await page.getByText("cursor://anysphere.cursor-mcp").waitFor();
    await expectAccessible(page);
  });

  it("is told what it lacks", async () => {
    const { page } = visitor;
    await page.goto(`${address}/authorize`);
    await page.getByRole("heading", { name: "This address is not complete" }).waitFor();
    await page.getByText("client_id, redirect_uri, response_type, code_challenge").waitFor();
  });

  it("is come back to with a new password, in the tab of the mailed link", async () => {
    const call = async (path: string, body: object, token = ""): Promise<Record<string, string>> => {
      const headers = { "Content-Type": "application/json", ...(token === "" ? {} : { Authorization: `Bearer ${token}` }) };
      const reply = await fetch(`${address}/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(body) });
      expect(reply.ok, path).toBe(true);
      return (await reply.json()) as Record<string, string>;
    };
    const email = "forgetful@example.org";
    const { access_token: token = "" } = await call("/auth/login", { email: EMAIL, password: PASSWORD });
    const { id = "", invitation = "" } = await call("/users", { email }, token);
    await call("/auth/register", { email, invitation, password: PASSWORD });
    const offered = await call(`/users/${id}/password-reset`, {}, token);
    const other = await visit(address);
    try {
      await other.page.goto(`${address}/authorize${query}`);
      await other.page.getByLabel("Password").waitFor();
      // As the way to /forgot keeps it, which is shown where the installation sends mail.
      await other.page.evaluate(() => localStorage.setItem("citewell-way-back", `${Date.now() + 60_000} ${location.pathname}${location.search}`));
      const page = await other.context.newPage();
      await page.goto(`${address}/reset#${new URLSearchParams({ reset: offered["token"] ?? "", email }).toString()}`);
      await page.getByLabel("Password").fill(`${PASSWORD}-new`);
      await page.getByRole("button", { name: "Set the password" }).click();
      await page.getByRole("heading", { name: "May “Pad” act for you?" }).waitFor({ timeout: 90_000 });
      expect(other.complaints).toEqual([]);
    } finally {
      await other.leave();
    }
  });

  it("is come back to from a provider, once", async () => {
    const other = await visit(address);
    try {
      const { page, complaints } = other;
      await page.goto(`${address}/authorize${query}`);
      await page.getByLabel("Password").waitFor();
      await page.evaluate(() => sessionStorage.setItem("citewell-way-back", `${Date.now() + 60_000} ${location.pathname}${location.search}`));
      await signIn(page, address);
      await page.getByRole("heading", { name: "May “Pad” act for you?" }).waitFor();
      await page.goto(address);
      await page.getByLabel("Your question").waitFor();
      expect(complaints).toEqual([]);
    } finally {
      await other.leave();
    }
  });
});
