import * as pdfjs from "pdfjs-dist";
import type { PDFDocumentProxy, PDFPageProxy } from "pdfjs-dist";
import workerAddress from "pdfjs-dist/build/pdf.worker.min.mjs?url";

import { findAcross, findQuote, type Stretch } from "./matching";

pdfjs.GlobalWorkerOptions.workerSrc = workerAddress;

/** Pages are drawn when they are so near to what is seen, in parts of the height. */
const NEAR = "100% 0px";
/** A canvas of more is refused by some browsers, and nobody sees its pixels. */
const MOST_PIXELS = 16_000_000;

interface Sheet {
  number: number;
  element: HTMLElement;
  page: Promise<PDFPageProxy>;
  drawn: Promise<HTMLElement[]> | null;
}

/** The pages of one PDF: drawn as they come into sight, with a passage marked on their text. */
export class PdfPages {
  private sheets: Sheet[] = [];
  private pieces = new Map<number, Promise<string[]>>();
  private marks: { page: number; stretches: Stretch[] }[] = [];
  private scale = 1;

  private constructor(
    private readonly pdf: PDFDocumentProxy,
    private readonly size: { width: number; height: number },
  ) {}

  /** Reads a file; scripts and forms in it are left alone. */
  static async open(file: ArrayBuffer): Promise<PdfPages> {
    const pdf = await pdfjs.getDocument({
      data: file,
      cMapUrl: `${__PDF_FILES__}cmaps/`,
      iccUrl: `${__PDF_FILES__}iccs/`,
      standardFontDataUrl: `${__PDF_FILES__}standard_fonts/`,
      isEvalSupported: false,
      enableXfa: false,
    }).promise;
    const { width, height } = (await pdf.getPage(1)).getViewport({ scale: 1 });
    return new PdfPages(pdf, { width, height });
  }

  close(): void {
    void this.pdf.loadingTask.destroy();
  }

  /** Puts the pages into a scrolling element, as wide as it is; returns what takes them out. */
  show(body: HTMLElement, zoom: number): () => void {
    const style = getComputedStyle(body);
    const room = body.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    this.scale = (Math.max(room, 200) / this.size.width) * zoom;
    this.sheets = Array.from({ length: this.pdf.numPages }, (_, at) => this.sheet(at + 1));
    body.replaceChildren(...this.sheets.map((sheet) => sheet.element));
    const observer = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          const sheet = this.sheets.find((each) => each.element === entry.target);
          if (entry.isIntersecting && sheet !== undefined) void this.draw(sheet);
        }
      },
      { root: body, rootMargin: NEAR },
    );
    for (const sheet of this.sheets) observer.observe(sheet.element);
    return () => {
      observer.disconnect();
      this.sheets = [];
      body.replaceChildren();
    };
  }

  /** Marks a quote on its page, or over the break behind it, and scrolls to it. */
  async mark(quote: string, page: number): Promise<boolean> {
    this.unmark();
    if (quote === "") return true;
    this.marks = await this.find(quote, Math.min(page, this.pdf.numPages));
    const sheets = this.marks.map((mark) => this.sheets[mark.page - 1]);
    for (const sheet of sheets) if (sheet !== undefined) await this.draw(sheet);
    for (const mark of this.marks) await this.paint(mark.page, mark.stretches);
    const first = sheets[0]?.element.querySelector("mark");
    (first ?? this.sheets[page - 1]?.element)?.scrollIntoView({
      block: first === null || first === undefined ? "start" : "center",
    });
    return first !== null && first !== undefined;
  }

  private async find(quote: string, page: number): Promise<typeof this.marks> {
    for (const near of [page, page + 1, page - 1]) {
      if (near < 1 || near > this.pdf.numPages) continue;
      const stretches = findQuote(await this.piecesOf(near), quote);
      if (stretches !== null) return [{ page: near, stretches }];
    }
    if (page === this.pdf.numPages) return [];
    const both = findAcross(await this.piecesOf(page), await this.piecesOf(page + 1), quote);
    if (both === null) return [];
    return [
      { page, stretches: both[0] },
      { page: page + 1, stretches: both[1] },
    ];
  }

  private piecesOf(page: number): Promise<string[]> {
    let pieces = this.pieces.get(page);
    if (pieces === undefined) {
      pieces = this.pdf
        .getPage(page)
        .then((found) => found.getTextContent())
        .then(({ items }) => items.flatMap((item) => ("str" in item ? [item.str] : [])));
      this.pieces.set(page, pieces);
    }
    return pieces;
  }

  private sheet(number: number): Sheet {
    const element = document.createElement("div");
    element.className = "pdf-page";
    element.dataset["page"] = String(number);
    element.style.width = `${this.size.width * this.scale}px`;
    element.style.height = `${this.size.height * this.scale}px`;
    return { number, element, page: this.pdf.getPage(number), drawn: null };
  }

  private draw(sheet: Sheet): Promise<HTMLElement[]> {
    sheet.drawn ??= this.drawing(sheet);
    return sheet.drawn;
  }

  /** Draws a page and lays its text over it; gives the elements of the text's pieces. */
  private async drawing({ element, page: opening, number }: Sheet): Promise<HTMLElement[]> {
    const scale = this.scale;
    const page = await opening;
    const viewport = page.getViewport({ scale });
    element.style.width = `${viewport.width}px`;
    element.style.height = `${viewport.height}px`;
    element.style.setProperty("--total-scale-factor", String(scale));
    const canvas = document.createElement("canvas");
    const most = Math.sqrt(MOST_PIXELS / (viewport.width * viewport.height));
    const density = Math.min(devicePixelRatio, most);
    canvas.width = Math.floor(viewport.width * density);
    canvas.height = Math.floor(viewport.height * density);
    canvas.setAttribute("aria-hidden", "true");
    const container = document.createElement("div");
    container.className = "textLayer";
    element.replaceChildren(canvas, container);
    const layer = new pdfjs.TextLayer({
      textContentSource: await page.getTextContent(),
      container,
      viewport,
    });
    await layer.render();
    const transform = [density, 0, 0, density, 0, 0];
    // Not waited for: the text can be marked while the picture is drawn.
    page.render({ canvas, viewport, transform }).promise.catch(() => undefined);
    const pieces = layer.textDivs;
    for (const mark of this.marks) if (mark.page === number) paintOn(pieces, mark.stretches);
    return pieces;
  }

  private async paint(page: number, stretches: Stretch[]): Promise<void> {
    const sheet = this.sheets[page - 1];
    if (sheet === undefined) return;
    const pieces = await this.draw(sheet);
    if (sheet.element.querySelector("mark") === null) paintOn(pieces, stretches);
  }

  private unmark(): void {
    this.marks = [];
    for (const { element } of this.sheets) {
      for (const mark of element.querySelectorAll("mark")) {
        const around = mark.parentElement;
        mark.replaceWith(...mark.childNodes);
        around?.normalize();
      }
    }
  }
}

function paintOn(pieces: readonly HTMLElement[], stretches: readonly Stretch[]): void {
  // From the end, so that the offsets before stay right where a piece has two stretches.
  for (const { piece, start, end } of [...stretches].reverse()) {
    const node = pieces[piece]?.firstChild;
    if (!(node instanceof Text) || end > node.length) continue;
    const range = document.createRange();
    range.setStart(node, start);
    range.setEnd(node, end);
    range.surroundContents(document.createElement("mark"));
  }
}
