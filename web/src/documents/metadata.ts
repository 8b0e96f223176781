import type { Document } from "~/api/schemas";

type Metadata = Document["metadata"];

/** A key with its value as it is typed. */
export interface Entry {
  key: string;
  value: string;
}

export function entriesOf(metadata: Metadata): Entry[] {
  return Object.entries(metadata).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? value : JSON.stringify(value),
  }));
}

/**
 * Typed entries as values. A value that was a text stays one, so that a file number `0042` keeps its zeros;
 * anything else is a number, a truth value, a list or an object where it reads as one.
 */
export function metadataOf(entries: readonly Entry[], before: Metadata): Metadata {
  const made: Metadata = {};
  for (const { key, value } of entries) {
    const name = key.trim();
    if (name === "") continue;
    made[name] = typeof before[name] === "string" ? value : read(value);
  }
  return made;
}

/** A number, a truth value, a list or an object where a text reads as one; else the text. */
export function read(value: string): Metadata[string] {
  // With a leading zero it is a number to people only.
  if (!/^(?:-?(?:0|[1-9]\d{0,15})(?:\.\d{1,15})?|true|false|null|\[[^]*\]|\{[^]*\})$/.test(value.trim())) return value;
  try {
    return JSON.parse(value) as Metadata[string];
  } catch {
    return value;
  }
}
