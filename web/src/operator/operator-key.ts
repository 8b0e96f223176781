import createClient from "openapi-fetch";

import { problemOf } from "~/api/problem";
import type { paths } from "~/api/schema";
import { Store } from "~/kit/store";

/** The operator's API key, nowhere but in the memory of this tab: it opens every organisation. */
export const operatorKey = new Store<string | null>(null);

/** The API as the operator; no cookie is sent, so the session of a user in this browser has no part in it. */
export const operatorApi = createClient<paths>({ fetch: asOperator });

operatorApi.use({
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
  },
});

async function asOperator(request: Request): Promise<Response> {
  return send(request, operatorKey.get() ?? "");
}

function send(request: Request, key: string): Promise<Response> {
  const headers = new Headers(request.headers);
  headers.set("Authorization", `Bearer ${key}`);
  return fetch(new Request(request, { headers, credentials: "omit", cache: "no-store" }));
}

/**
 * Takes a key for this tab; says whether it is one of the operator's. A key of somebody else is not kept.
 *
 * @throws Problem: it is no key, or the server cannot be reached.
 */
export async function takeKey(key: string): Promise<boolean> {
  const reply = await send(new Request(new URL("/api/v1/auth/me", location.href)), key);
  if (!reply.ok) throw await problemOf(reply);
  const { scopes } = (await reply.json()) as { scopes: readonly string[] };
  const isOperators = scopes.includes("operator");
  if (isOperators) operatorKey.set(key);
  return isOperators;
}
