import { useSyncExternalStore } from "react";

/** A value outside of React that components follow; it outlives the pages that show it. */
export class Store<Value> {
  private readonly followers = new Set<() => void>();

  constructor(private value: Value) {}

  readonly get = (): Value => this.value;

  set(value: Value): void {
    this.value = value;
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
