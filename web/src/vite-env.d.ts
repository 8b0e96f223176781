/// <reference types="vite/client" />

/** Address of the folder with what pdf.js fetches; see `vite.config.ts`. */
declare const __PDF_FILES__: string;

declare module "*.json?first" {
  const words: Record<string, string>;
  export default words;
}

declare module "*.json?rest" {
  const words: Record<string, string>;
  export default words;
}
