import type { Key } from "~/i18n/key";

/** States of documents, versions and jobs in words. */
export const STATUS_NAMES: Record<string, Key> = {
  ready: "documents.ready",
  processing: "documents.processing",
  queued: "documents.queued",
  failed: "documents.failed",
  superseded: "documents.superseded",
  cancelled: "documents.cancelled",
  running: "state.running",
  waiting: "state.waiting",
  succeeded: "state.succeeded",
  skipped: "state.skipped",
  unknown: "state.unknown",
  refused: "state.refused",
  pending: "state.pending",
  approved: "state.approved",
  denied: "state.denied",
};

export type Tone = "plain" | "good" | "doubt" | "bad";

export function statusTone(status: string): Tone {
  if (status === "ready" || status === "succeeded") return "good";
  if (status === "failed" || status === "unknown") return "bad";
  if (["waiting", "refused", "denied"].includes(status)) return "doubt";
  return "plain";
}

/** Levels of access, the most open first. */
export const LEVELS = {
  public: "level.public",
  internal: "level.internal",
  confidential: "level.confidential",
  restricted: "level.restricted",
} as const satisfies Record<string, Key>;

export const LEVEL_KEYS = Object.keys(LEVELS) as (keyof typeof LEVELS)[];
