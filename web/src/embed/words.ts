const en = {
  heading: "Ask our documents",
  question: "Your question",
  ask: "Ask",
  asking: "Looking it up…",
  sources: "Sources",
  source: "Source {n}",
  page: "page {n}",
  abstained: "The documents do not say. Nearest passages:",
  unsure: "Not certain: please read the quotes.",
  unsupported: "No source holds: {words}",
  busy: "Too many questions at the moment. Please try again in a minute.",
  gone: "This box is not available any more.",
  failed: "This did not work. Please try again.",
  offline: "You are offline. Your question stays here.",
};

export type Words = typeof en;

const vi: Words = {
  heading: "Hỏi tài liệu của chúng tôi",
  question: "Câu hỏi của bạn",
  ask: "Hỏi",
  asking: "Đang tra cứu…",
  sources: "Nguồn",
  source: "Nguồn {n}",
  page: "trang {n}",
  abstained: "Tài liệu không nêu điều này. Các đoạn gần nhất:",
  unsure: "Chưa chắc chắn: hãy đọc các trích dẫn.",
  unsupported: "Không nguồn nào có: {words}",
  busy: "Hiện có quá nhiều câu hỏi. Hãy thử lại sau một phút.",
  gone: "Hộp này không còn dùng được.",
  failed: "Không thực hiện được. Hãy thử lại.",
  offline: "Bạn đang ngoại tuyến. Câu hỏi vẫn được giữ lại.",
};

/** The box's own language, else the first of the visitor's that there is. */
export function wordsFor(own: string | null, visitors: readonly string[]): { language: "en" | "vi"; words: Words } {
  const wanted = own ?? visitors.map((each) => each.slice(0, 2)).find((each) => each === "en" || each === "vi");
  return wanted === "vi" ? { language: "vi", words: vi } : { language: "en", words: en };
}

/** A text with its one blank filled in. */
export function filled(text: string, value: string | number): string {
  return text.replace(/\{\w+\}/, () => String(value));
}
