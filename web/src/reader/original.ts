import { problemOf } from "~/api/problem";
import { authorisedFetch } from "~/session/session";

import type { Target } from "./target";

/** The file as it was handed in. */
export async function original({ documentId, version }: Target): Promise<Blob> {
  const address = new URL(`/api/v1/documents/${documentId}/file`, location.origin);
  address.searchParams.set("version", String(version));
  const reply = await authorisedFetch(new Request(address));
  if (!reply.ok) throw await problemOf(reply);
  return reply.blob();
}

/** Hands a file to the browser to be saved; it is never opened as a page of this origin. */
export function saveOriginal(file: Blob, filename: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = filename;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
