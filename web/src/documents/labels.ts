import type { Document } from "~/api/schemas";

/** The labels of a document: a list of that name in its metadata. */
export function labelsOf(document: Document): string[] {
  const labels = document.metadata["labels"];
  return Array.isArray(labels) ? labels.filter((each): each is string => typeof each === "string") : [];
}
