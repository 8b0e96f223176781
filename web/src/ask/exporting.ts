import { problemOf } from "~/api/problem";
import type { Key } from "~/i18n/key";
import { saveOriginal } from "~/reader/original";
import { authorisedFetch } from "~/session/session";

/** Forms of an exported conversation, with the endings of their files. */
export const FORMS = {
  markdown: { name: "talk.markdown", ending: "md" },
  json: { name: "talk.json", ending: "json" },
  pdf: { name: "talk.pdf", ending: "pdf" },
} as const satisfies Record<string, { name: Key; ending: string }>;

export type Form = keyof typeof FORMS;

/** Saves a conversation, or one question of it with its answer, as a file. */
export async function exported(id: string, title: string, form: Form, messageId: string | null = null): Promise<void> {
  const address = new URL(`/api/v1/conversations/${id}/export`, location.origin);
  address.searchParams.set("form", form);
  if (messageId !== null) address.searchParams.set("message_id", messageId);
  const reply = await authorisedFetch(new Request(address));
  if (!reply.ok) throw await problemOf(reply);
  saveOriginal(await reply.blob(), `${title.slice(0, 80)}.${FORMS[form].ending}`);
}
