const KEY = "citewell-way-back";
const PAGE = "/authorize";

/** What keeps words while this tab leaves for another site. */
export type Keeper = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Keeps the request of a program before its user leaves to sign in elsewhere; of other pages nothing. */
export function keepWayBack(keeper: Keeper, path: string, query: string): void {
  if (path === PAGE) keeper.setItem(KEY, path + query);
  else keeper.removeItem(KEY);
}

/** The address that was kept, once; null without one, and where it is the page that is open. */
export function takeWayBack(keeper: Keeper, path: string): string | null {
  const kept = keeper.getItem(KEY);
  keeper.removeItem(KEY);
  return kept !== null && kept.startsWith(`${PAGE}?`) && path !== PAGE ? kept : null;
}

/** Whether a browser may be sent to an address: none of a scheme that runs or shows what it holds. */
export function leadsAway(address: string): boolean {
  if (!URL.canParse(address)) return false;
  return !["about:", "blob:", "data:", "file:", "filesystem:", "javascript:", "vbscript:", "view-source:"].includes(new URL(address).protocol);
}
