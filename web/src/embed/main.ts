import "./style.css";

import type { Box, BoxAnswer } from "~/api/schemas";

import { answerOf, element } from "./answer";
import { wordsFor, type Words } from "./words";

const BOX = "/api/v1/boxes/{token}";
const ASK = "/api/v1/boxes/{token}/ask";

/** The name of the box is the last part of this page's own address. */
const NAME = encodeURIComponent(location.pathname.split("/").at(-1) ?? "");

class Refused extends Error {
  constructor(
    readonly status: number,
    /** Words of the organisation for whoever asks; none: the box has its own. */
    readonly told: string | null,
  ) {
    super(`refused with ${status}`);
  }
}

async function call<Reply>(path: string, body?: object): Promise<Reply> {
  const sent = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  // A box must not use the session that a person has elsewhere.
  const reply = await fetch(path.replace("{token}", NAME), { credentials: "omit", ...sent });
  if (!reply.ok) throw new Refused(reply.status, await told(reply));
  return (await reply.json()) as Reply;
}

async function told(reply: Response): Promise<string | null> {
  try {
    const { code, detail } = (await reply.json()) as { code?: unknown; detail?: unknown };
    return code === "question_refused" && typeof detail === "string" ? detail : null;
  } catch {
    return null; // a proxy's page
  }
}

function reason(error: unknown, words: Words): string {
  if (!navigator.onLine) return words.offline;
  if (error instanceof Refused && error.told !== null) return error.told;
  const status = error instanceof Refused ? error.status : 0;
  return { 404: words.gone, 429: words.busy }[status] ?? words.failed;
}

/** Tells the page around the frame how high it is; nothing else leaves it. */
function tellHeight(): void {
  parent.postMessage({ citewellHeight: Math.ceil(document.documentElement.getBoundingClientRect().height) }, "*");
}

function show(root: HTMLElement, title: string, words: Words): void {
  const input = element("textarea", { id: "question", rows: "2", maxlength: "2000", required: "" });
  const button = element("button", { type: "submit", class: "main" }, words.ask);
  const form = element("form", {}, element("label", { for: "question" }, words.question), input, button);
  const result = element("section", { "aria-live": "polite" });
  root.replaceChildren(element("h1", {}, title || words.heading), form, result);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const query = input.value.trim();
    if (query === "" || button.disabled) return;
    button.disabled = true;
    result.replaceChildren(element("p", { class: "soft" }, words.asking));
    try {
      result.replaceChildren(...answerOf(await call<BoxAnswer>(ASK, { query }), words));
    } catch (error) {
      result.replaceChildren(element("p", { class: "bad", role: "alert" }, reason(error, words)));
    } finally {
      button.disabled = false;
    }
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

async function open(): Promise<void> {
  const root = document.getElementById("box");
  if (root === null) return;
  new ResizeObserver(tellHeight).observe(document.documentElement);
  try {
    const box = await call<Box>(BOX);
    const { language, words } = wordsFor(box.language, navigator.languages);
    document.documentElement.lang = language;
    document.title = box.title || words.heading;
    show(root, box.title, words);
  } catch (error) {
    const { words } = wordsFor(null, navigator.languages);
    root.replaceChildren(element("p", { class: "bad", role: "alert" }, reason(error, words)));
  }
}

void open();
