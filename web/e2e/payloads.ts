/** Attempts of foreign texts: scripts, other schemes, Markdown that fetches, misleading characters. */

const OUTSIDE = "http://outside.invalid/";
const RUN = "window.hasRun=1";

/** Elements that run a script or fetch as soon as they are a part of a page. */
const ELEMENTS = [
  `<script>${RUN}</script>`, `<img src=x onerror="${RUN}">`, `<svg onload="${RUN}">`, `<svg><script>${RUN}</script></svg>`,
  `<iframe src="javascript:${RUN}"></iframe>`, `<iframe srcdoc="<script>${RUN}</script>"></iframe>`, `<body onload="${RUN}">`,
  `<details open ontoggle="${RUN}">`, `<video><source onerror="${RUN}"></video>`, `<audio src=x onerror="${RUN}">`,
  `<input autofocus onfocus="${RUN}">`, `<select autofocus onfocus="${RUN}">`, `<marquee onstart="${RUN}">`,
  `<object data="javascript:${RUN}">`, `<embed src="javascript:${RUN}">`, `<a href="javascript:${RUN}">open</a>`,
  `<form action="javascript:${RUN}"><button>go</button></form>`, `<base href="${OUTSIDE}">`, `<link rel=stylesheet href="${OUTSIDE}a.css">`,
  `<meta http-equiv=refresh content="0;url=${OUTSIDE}">`, `<img src="${OUTSIDE}a.png">`, `<style>@import "${OUTSIDE}b.css"</style>`,
  `<math><mtext><script>${RUN}</script></mtext></math>`, `<template><img src=x onerror="${RUN}"></template>`, `<portal src="${OUTSIDE}">`,
];
/** Ways out of where a text is put. */
const BREAKS: ((element: string) => string)[] = [
  (element) => element,
  (element) => `">${element}`,
  (element) => `'-->${element}`,
  (element) => `</textarea></title></script>${element}`,
];
const MARKDOWN = [
  `[click](javascript:${RUN})`, `![x](${OUTSIDE}c.png)`, `[click](data:text/html,<script>${RUN}</script>)`, `<${OUTSIDE}d>`,
  `[a]: javascript:${RUN}`, `![a](x "onerror=${RUN}")`, `[click](vbscript:${RUN})`, `[x](//outside.invalid/e)`, "`${alert(1)}`", "{{constructor.constructor('window.hasRun=1')()}}",
];
/** Overrides and isolates of direction, characters without width, lookalikes, marks in heaps. */
const MISLEADING = ["\u202e", "\u202d", "\u2066", "\u2067", "\u2068", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad"];

export const PAYLOADS: readonly string[] = [
  ...ELEMENTS.flatMap((element) => BREAKS.map((broken) => broken(element))),
  ...MARKDOWN.flatMap((link) => [link, `**${link}**`, `# ${link}`, `| ${link} |`, `> ${link}`]),
  ...MISLEADING.flatMap((mark) => [`pay${mark}roll`, `${mark}fdp.exe`, `a${mark.repeat(40)}b`, `${mark}${ELEMENTS[1] ?? ""}`, `[bank${mark}](${OUTSIDE}${mark})`]),
];
