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

  it("is come back to from a provider, once", async () => {
    const other = await visit(address);
    try {
      const { page, complaints } = other;
      await page.goto(`${address}/authorize${query}`);
      await page.getByLabel("Password").waitFor();
      await page.evaluate(() => sessionStorage.setItem("citewell-way-back", location.pathname + location.search));
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
