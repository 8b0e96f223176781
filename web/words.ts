import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import type { Plugin } from "vite";

const SOURCES = resolve(import.meta.dirname, "src");
const STATIC = /^(?:import|export) (?!type\b)[^;]*?\bfrom "([^"]+)"|^import "([^"]+)"/gm;
const KEY = /"([a-z]+(?:\.[A-Za-z]+)+)"/g;
const PART = /^(.+\.json)\?(first|rest)$/;
/** Marks ids of modules that are no files; the ending must not be `.json`, which is read as such. */
const MADE = /^\0words:(first|rest):(.+)$/;

/** The file that an import of ours means; none for packages. */
function fileOf(from: string, name: string): string | undefined {
  const path = name.startsWith("~/") ? join(SOURCES, name.slice(2)) : name.startsWith(".") ? resolve(dirname(from), name) : null;
  if (path === null) return undefined;
  return [path, `${path}.ts`, `${path}.tsx`, `${path}/index.ts`].find((each) => existsSync(each) && statSync(each).isFile());
}

/** The keys of words that stand in the modules which the first page needs: what `main.tsx` imports. */
export function firstKeys(): Set<string> {
  const keys = new Set<string>();
  const seen = new Set<string>();
  const waiting = [join(SOURCES, "main.tsx")];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file) || !/\.tsx?$/.test(file)) continue;
    seen.add(file);
    const text = readFileSync(file, "utf8");
    for (const [, key = ""] of text.matchAll(KEY)) keys.add(key);
    for (const [, name = "", bare = ""] of text.matchAll(STATIC)) {
      const next = fileOf(file, name || bare);
      if (next !== undefined) waiting.push(next);
    }
  }
  return keys;
}

/** `en.json?first` has the words of the first page, `en.json?rest` those of all others. */
export function words(): Plugin {
  return {
    name: "words",
    enforce: "pre",
    resolveId(name, importer) {
      const [, path, part] = PART.exec(name) ?? [];
      if (path === undefined || importer === undefined) return null;
      return `\0words:${part}:${resolve(dirname(importer), path).replace(/\.json$/, "")}`;
    },
    load(id) {
      const [, part, stem] = MADE.exec(id) ?? [];
      if (stem === undefined) return null;
      const path = `${stem}.json`;
      this.addWatchFile(path);
      const first = firstKeys();
      const all = Object.entries(JSON.parse(readFileSync(path, "utf8")) as Record<string, string>);
      const wanted = all.filter(([key]) => first.has(key.replace(/_(one|other)$/, "")) === (part === "first"));
      return `export default ${JSON.stringify(Object.fromEntries(wanted))};`;
    },
  };
}
