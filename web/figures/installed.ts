import { expect, inject, vi } from "vitest";

import { EMAIL, PASSWORD } from "../e2e/browser";

/** Calls of the API as the first account. */
export class Api {
  private constructor(
    private readonly root: string,
    private readonly bearer: string,
  ) {}

  static async signIn(address = inject("address")): Promise<Api> {
    const root = `${address}/api/v1`;
    const { access_token: bearer } = await new Api(root, "").post<{ access_token: string }>("/auth/login", { email: EMAIL, password: PASSWORD });
    return new Api(root, bearer);
  }

  get<Reply>(path: string): Promise<Reply> {
    return this.call<Reply>(path, {});
  }

  post<Reply>(path: string, body: object | FormData): Promise<Reply> {
    const isForm = body instanceof FormData;
    const headers: Record<string, string> = isForm ? {} : { "Content-Type": "application/json" };
    return this.call<Reply>(path, { method: "POST", headers, body: isForm ? body : JSON.stringify(body) });
  }

  put<Reply>(path: string, body: object): Promise<Reply> {
    return this.call<Reply>(path, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  }

  /** Waits until what is read at a path is as wanted. */
  async until<Reply>(path: string, isWanted: (reply: Reply) => boolean): Promise<void> {
    await vi.waitUntil(async () => isWanted(await this.get<Reply>(path)), { timeout: 300_000, interval: 500 });
  }

  /** Waits until all documents are ready. */
  allRead(): Promise<void> {
    return this.until<{ data: { status: string }[] }>("/documents?limit=100", ({ data }) => data.every(({ status }) => status === "ready"));
  }

  private async call<Reply>(path: string, request: RequestInit & { headers?: Record<string, string> }): Promise<Reply> {
    const headers = { ...request.headers, ...(this.bearer === "" ? {} : { Authorization: `Bearer ${this.bearer}` }) };
    let reply = await fetch(`${this.root}${path}`, { ...request, headers });
    while (reply.status === 429) {
      // Many questions of one person are held back for a while.
      await new Promise((over) => setTimeout(over, 1000 * Number(reply.headers.get("Retry-After") ?? 1)));
      reply = await fetch(`${this.root}${path}`, { ...request, headers });
    }
    expect(reply.ok, `${path}: ${reply.status} ${reply.ok ? "" : await reply.text()}`).toBe(true);
    return (await reply.json()) as Reply;
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? NaN;
}
