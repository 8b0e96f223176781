import { useSyncExternalStore } from "react";

/** The time of a picture at 60 a second: what changes more often is not seen. */
const PICTURE_MS = 16;

/** A value outside of React that components follow; it outlives the pages that show it. */
export class Store<Value> {
  private readonly followers = new Set<() => void>();
  private isTelling = false;

  /** One that changes `often` tells its followers once for all changes of a picture. */
  constructor(
    private value: Value,
    private readonly pace: "at once" | "often" = "at once",
  ) {}

  readonly get = (): Value => this.value;

  set(value: Value): void {
    this.value = value;
    if (this.pace === "at once") return this.tell();
    if (this.isTelling) return;
    this.isTelling = true;
    // Not with the next picture: none is drawn while the tab is in the background.
    setTimeout(() => {
      this.isTelling = false;
      this.tell();
    }, PICTURE_MS);
  }

  private tell(): void {
    for (const tell of [...this.followers]) tell();
  }

  update(change: (value: Value) => Value): void {
    this.set(change(this.value));
  }

  readonly follow = (tell: () => void): (() => void) => {
    this.followers.add(tell);
    return () => this.followers.delete(tell);
  };
}

export function useStore<Value>(store: Store<Value>): Value {
  return useSyncExternalStore(store.follow, store.get);
}
