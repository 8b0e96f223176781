import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import tailwind from "@tailwindcss/vite";
import { defineConfig, type Plugin } from "vite";

import { words } from "./words";

const OUT = resolve(import.meta.dirname, "../src/citewell/entrypoints/http/bundle");
const PDFJS = resolve(import.meta.dirname, "node_modules/pdfjs-dist");
const COMPRESSIBLE = new Set([".css", ".html", ".js", ".json", ".mjs", ".svg", ".txt"]);

/** Below it the headers weigh more than what is saved. */
const SMALLEST = 1024;

/**
 * Files that pdf.js fetches for PDFs that do not embed their fonts. The folder carries the version, since
 * the server lets browsers keep everything below `assets` for good.
 */
function pdfFiles(): Plugin {
  const { version } = JSON.parse(readFileSync(join(PDFJS, "package.json"), "utf8")) as {
    version: string;
  };
  const place = `assets/pdfjs-${version}`;
  return {
    name: "pdf-files",
    config: () => ({ define: { __PDF_FILES__: JSON.stringify(`/${place}/`) } }),
    closeBundle() {
      for (const folder of ["cmaps", "standard_fonts", "iccs"]) {
        cpSync(join(PDFJS, folder), join(OUT, place, folder), { recursive: true });
      }
    },
  };
}

/** Writes `x.br` and `x.gz` beside every text, so that the server compresses nothing. */
function precompressed(): Plugin {
  return {
    name: "precompressed",
    enforce: "post",
    closeBundle: {
      sequential: true,
      order: "post",
      handler() {
        for (const name of readdirSync(OUT, { recursive: true }) as string[]) {
          const path = join(OUT, name);
          if (!COMPRESSIBLE.has(extname(name)) || statSync(path).size < SMALLEST) continue;
          const content = readFileSync(path);
          const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 };
          writeFileSync(`${path}.br`, brotliCompressSync(content, { params: quality }));
          writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        }
      },
    },
  };
}

export default defineConfig({
  plugins: [words(), tailwind(), pdfFiles(), precompressed()],
  resolve: { alias: { "~": resolve(import.meta.dirname, "src") } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // a data: URL would need room in the Content-Security-Policy
    modulePreload: { polyfill: false },
    rolldownOptions: { input: ["index.html", "embed.html"] },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8000", "/ws": "http://127.0.0.1:8000" } },
});
