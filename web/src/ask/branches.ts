/** A message of a tree: it goes on from another one, or begins anew. */
export interface Branching {
  key: string;
  parent: string | null;
}

/** The way from the first message to this one; all are in the order in which they were asked. */
export function wayTo<Each extends Branching>(all: readonly Each[], key: string | null): Each[] {
  const byKey = new Map(all.map((each) => [each.key, each]));
  const way: Each[] = [];
  let at = key === null ? undefined : byKey.get(key);
  while (at !== undefined && !way.includes(at)) {
    way.unshift(at);
    at = at.parent === null ? undefined : byKey.get(at.parent);
  }
  return way;
}

/** The messages that go on from the same one, itself among them. */
export function besides<Each extends Branching>(all: readonly Each[], one: Each): Each[] {
  return all.filter((each) => each.parent === one.parent);
}

/** The end of the newest way that leads on from a message. */
export function newestBelow(all: readonly Branching[], key: string): string {
  const below = all.filter((each) => wayTo(all, each.key).some((step) => step.key === key));
  return below.at(-1)?.key ?? key;
}
