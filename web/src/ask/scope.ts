import type { QueryRequest } from "~/api/schemas";
import { read } from "~/documents/metadata";
import { Store } from "~/kit/store";

/** The scope of a question, as the API takes it; empty: all that one may read, now. */
export type Scope = Partial<Pick<QueryRequest, "collection_ids" | "filters" | "as_of" | "as_user_id">>;

export interface Filter {
  key: string;
  value: string;
}

/** Limits of the next question, as they are chosen. */
export interface Limits {
  collectionIds: readonly string[];
  /** YYYY-MM-DD; "" for now. */
  asOf: string;
  filters: readonly Filter[];
  /** The user with whose rights it is answered; null for one's own. */
  viewAs: { id: string; name: string } | null;
}

export const NO_LIMITS: Limits = { collectionIds: [], asOf: "", filters: [], viewAs: null };

export const limits = new Store<Limits>(NO_LIMITS);

/** Filters that name something. */
export function named(filters: readonly Filter[]): Filter[] {
  return filters.filter(({ key, value }) => key.trim() !== "" && value.trim() !== "");
}

export function scopeOf({ collectionIds, asOf, filters, viewAs }: Limits, now = new Date()): Scope {
  const wanted = named(filters).map(({ key, value }) => [key.trim(), valueOf(value)] as const);
  // The end of the day where the reader is; what holds today is asked for as it is now.
  const end = asOf === "" ? null : new Date(`${asOf}T23:59:59.999`);
  return {
    ...(collectionIds.length > 0 ? { collection_ids: [...collectionIds] } : {}),
    ...(wanted.length > 0 ? { filters: Object.fromEntries(wanted) } : {}),
    ...(end !== null && end < now ? { as_of: end.toISOString() } : {}),
    ...(viewAs === null ? {} : { as_user_id: viewAs.id }),
  };
}

function valueOf(typed: string): string | number | boolean {
  const value = read(typed.trim());
  return typeof value === "number" || typeof value === "boolean" ? value : typed.trim();
}
