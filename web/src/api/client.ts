import createClient from "openapi-fetch";

import { problemOf } from "~/api/problem";
import { authorisedFetch } from "~/session/session";

import type { paths } from "./schema";

/** The API as the signed-in user. A refusal is thrown as a `Problem`. */
export const api = createClient<paths>({ fetch: authorisedFetch });

api.use({
  async onResponse({ response }) {
    if (!response.ok) throw await problemOf(response);
  },
});

/** The body of a reply: a refusal was thrown before. */
export async function data<Body>(reply: Promise<{ data?: Body }>): Promise<Body> {
  return (await reply).data as Body;
}
