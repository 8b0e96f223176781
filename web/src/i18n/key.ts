import type en from "./en.json";

type Plural<Key> = Key extends `${infer Stem}_one` ? Stem : Key extends `${infer Stem}_other` ? Stem : Key;

/** A key of the translations; for tables of keys that are looked up by a code. */
export type Key = Plural<keyof typeof en>;
