const KEY = "citewell-way-back";
const PAGE = "/authorize";

/** How long a kept request leads back: as long as a link for a new password is good. */
export const WAY_BACK_MS = 3_600_000;

/** Storage that keeps words while this tab leaves for another site, or another tab goes on. */
export type Keeper = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Keeps the request of a program before its user leaves to sign in elsewhere; of other pages nothing. */
export function keepWayBack(keeper: Keeper, path: string, query: string, now = Date.now()): void {
  if (path === PAGE) keeper.setItem(KEY, `${String(now + WAY_BACK_MS)} ${path}${query}`);
  else keeper.removeItem(KEY);
}

/** The address that was kept, once; null without one, when it is too old, and where it is the page that is open. */
export function takeWayBack(keeper: Keeper, path: string, now = Date.now()): string | null {
  const kept = keeper.getItem(KEY);
  keeper.removeItem(KEY);
  const [, until, address] = /^(\d+) (.+)$/.exec(kept ?? "") ?? [];
  const isGood = address?.startsWith(`${PAGE}?`) === true && now < Number(until) && path !== PAGE;
  return isGood ? address : null;
}

/** Whether a browser may be sent to an address: none of a scheme that runs or shows what it holds. */
export function leadsAway(address: string): boolean {
  if (!URL.canParse(address)) return false;
  return !["about:", "blob:", "data:", "file:", "filesystem:", "javascript:", "vbscript:", "view-source:"].includes(new URL(address).protocol);
}
