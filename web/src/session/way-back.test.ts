import { describe, expect, it } from "vitest";

import { keepWayBack, leadsAway, takeWayBack, WAY_BACK_MS, type Keeper } from "./way-back";

function keeper(): Keeper {
  const kept = new Map<string, string>();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

const QUERY = "?client_id=a&state=%2Bx+y";

describe("the way back from a provider", () => {
  it("leads once to the request of a program, as it was", () => {
    const own = keeper();
    keepWayBack(own, "/authorize", QUERY);
    expect(takeWayBack(own, "/")).toBe(`/authorize${QUERY}`);
    expect(takeWayBack(own, "/")).toBeNull();
  });

  it("is not kept of other pages, nor after somebody has signed in there or elsewhere", () => {
    const own = keeper();
    keepWayBack(own, "/documents", "");
    expect(takeWayBack(own, "/")).toBeNull();
    keepWayBack(own, "/authorize", QUERY);
    expect(takeWayBack(own, "/authorize")).toBeNull();
    keepWayBack(own, "/authorize", QUERY);
    keepWayBack(own, "/", "");
    expect(takeWayBack(own, "/")).toBeNull();
  });
});

describe("what is kept for a link that is mailed", () => {
  it("leads back for as long as the link is good, and whatever else is kept there leads nowhere", () => {
    const own = keeper();
    for (const [later, found] of [[WAY_BACK_MS - 1, `/authorize${QUERY}`], [WAY_BACK_MS, null]] as const) {
      keepWayBack(own, "/authorize", QUERY, 1_000);
      expect(takeWayBack(own, "/reset", 1_000 + later)).toBe(found);
    }
    for (const words of [`/authorize${QUERY}`, "9999999999999 //evil.example/authorize?", "9999999999999 /documents?"]) {
      own.setItem("citewell-way-back", words);
      expect(takeWayBack(own, "/reset", 1_000)).toBeNull();
    }
  });
});

describe("addresses of programs", () => {
  it("are followed unless the browser would run or show what they hold", () => {
    for (const address of ["https://a.example/x", "http://127.0.0.1:1/", "cursor://anysphere.cursor-mcp/oauth/callback"]) {
      expect(leadsAway(address)).toBe(true);
    }
    for (const address of ["javascript:alert(1)", "JavaScript:alert(1)", " data:text/html,x", "blob:https://a.example/1", "/x", ""]) {
      expect(leadsAway(address)).toBe(false);
    }
  });
});
