/** Pages for people who have a link instead of a session, and what its token is called there. */
const TOKENS = { join: "invitation", reset: "reset", email: "token" } as const;
export type LinkPage = keyof typeof TOKENS;

export interface GivenLink {
  token: string;
  email: string;
}

/** A link that is handed out: what stands behind the # reaches no server and no log. */
export function linkOf(site: string, page: LinkPage, { token, email }: GivenLink): string {
  return `${site}/${page}#${new URLSearchParams({ [TOKENS[page]]: token, email }).toString()}`;
}

/** Contents of a page's link, from the server or from a mail; empty where it lacks something. */
export function givenBy(page: LinkPage, hash: string): GivenLink {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  return { token: given.get(TOKENS[page]) ?? "", email: given.get("email") ?? "" };
}

/** The query that the page was opened with; the router may write the address anew. */
export const openedWith = typeof location === "undefined" ? "" : location.search;
