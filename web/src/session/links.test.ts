import { describe, expect, it } from "vitest";

import en from "../i18n/en.json";
import vi from "../i18n/vi.json";

import { givenBy, linkOf, type LinkPage } from "./links";

const PAGES: readonly LinkPage[] = ["join", "reset", "email"];
const GIVEN = { token: "cwr_a-b_c", email: "ann+x@example.org" };

describe("links", () => {
  it("bring what they were made of, behind the #", () => {
    for (const page of PAGES) {
      const link = new URL(linkOf("https://citewell.example.org", page, GIVEN));
      expect(link.pathname).toBe(`/${page}`);
      expect(link.search).toBe("");
      expect(givenBy(page, link.hash)).toEqual(GIVEN);
    }
  });

  it("are read as the server mails them, and one of another page brings no token", () => {
    expect(givenBy("reset", "#reset=cwr_a-b_c&email=ann%2Bx%40example.org")).toEqual(GIVEN);
    expect(givenBy("email", "#token=cwe_x&email=ann%2Bx%40example.org").token).toBe("cwe_x");
    expect(givenBy("reset", "#token=cwe_x")).toEqual({ token: "", email: "" });
    expect(givenBy("join", "")).toEqual({ token: "", email: "" });
  });
});

describe("the words around mailed links", () => {
  it("say in both languages the same for every address, and name no address that was not typed", () => {
    for (const words of [en, vi]) {
      expect(words["forgot.sent"]).toContain("{{email}}");
      expect(words["forgot.sent"]).toMatch(/If|Nếu/);
      expect(words["email.sent"]).toContain("{{email}}");
      for (const key of ["forgot.heading", "forgot.link", "email.heading", "users.mailedHint"] as const) expect(words[key]).not.toBe("");
    }
    expect(vi["forgot.sent"]).not.toBe(en["forgot.sent"]);
  });
});
