import { api } from "~/api/client";
import { asProblem, type Problem } from "~/api/problem";
import type { Document } from "~/api/schemas";
import { mayHeal } from "~/ui/failure";

/** Requests at once: the rate limit of a person leaves room for more, a phone's line does not. */
const SIDE_BY_SIDE = 4;

/** Whether a document that is not ready can become so by another attempt at the same file. */
export function canBeReadAgain({ status, error }: Pick<Document, "status" | "error">): boolean {
  return status === "cancelled" || (status === "failed" && mayHeal(error?.["code"]));
}

/** The outcome of an action on many documents. */
export interface Outcome {
  done: Document[];
  failed: number;
  problem: Problem | null;
}

/** Does something to each of the documents; one that fails does not keep the others back. */
export async function forEach(documents: readonly Document[], act: (document: Document) => Promise<unknown>): Promise<Outcome> {
  const outcome: Outcome = { done: [], failed: 0, problem: null };
  const waiting = [...documents];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await act(next);
        outcome.done.push(next);
      } catch (error) {
        outcome.failed += 1;
        outcome.problem ??= asProblem(error);
      }
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  return outcome;
}

/** An action on a document, and what takes it back. */
export interface Action {
  act: (document: Document) => Promise<unknown>;
  undo: (document: Document) => Promise<unknown>;
}

const params = (document: Document) => ({ path: { document_id: document.id } });

export const remove: Action = {
  act: (document) => api.DELETE("/api/v1/documents/{document_id}", { params: params(document) }),
  undo: (document) => api.POST("/api/v1/documents/{document_id}/restore", { params: params(document) }),
};

export function setLevel(level: string): Action {
  const to = (document: Document, access_level: string) =>
    api.PATCH("/api/v1/documents/{document_id}", { params: params(document), body: { access_level } });
  return { act: (document) => to(document, level), undo: (document) => to(document, document.access_level) };
}

/** Sets a part of the metadata, and puts all of it back as it was. */
export function setMetadata(changed: (document: Document) => Record<string, unknown>): Action {
  const to = (document: Document, metadata: Record<string, unknown>) =>
    api.PATCH("/api/v1/documents/{document_id}", { params: params(document), body: { metadata: metadata as Document["metadata"] } });
  return {
    act: (document) => to(document, { ...document.metadata, ...changed(document) }),
    undo: (document) => to(document, document.metadata),
  };
}

/** The way of a document once it lies in a folder; "" is the top. */
export function pathIn(folder: string, document: Document): string {
  const path = document.metadata["path"];
  const name = (typeof path === "string" ? path.split("/").at(-1) : undefined) ?? document.filename;
  return folder === "" ? name : `${folder}/${name}`;
}

/** A folder as it is typed: slashes between its parts, none around them. */
export function folderOf(typed: string): string {
  return typed.split("/").map((part) => part.trim()).filter((part) => part !== "").join("/");
}
