import { api } from "~/api/client";
import { speak, type Language } from "~/i18n";

import { session } from "./session";

/** Speaks a language from now on, and has the server write mails to the person in it. */
export async function chooseLanguage(chosen: Language): Promise<void> {
  await speak(chosen);
  const current = session.get();
  const id = current.status === "in" ? current.me.user?.id : undefined;
  if (id === undefined) return;
  try {
    await api.PATCH("/api/v1/users/{user_id}", { params: { path: { user_id: id } }, body: { language: chosen } });
  } catch {
    // The page speaks it all the same; mails stay in the language before.
  }
}
