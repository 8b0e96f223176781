/**
 * Prints an answer with its quotes; every browser can save that as a PDF file. What is no part of it has
 * no place on paper (the style sheet's `@media print`). The page's title becomes the name of the file.
 */
export function printAnswer(key: string, question: string): void {
  const { documentElement: root } = document;
  const place = document.getElementById(`m-${key}`);
  const title = document.title;
  const end = () => {
    delete root.dataset["printing"];
    place?.removeAttribute("data-printed");
    document.title = title;
  };
  place?.setAttribute("data-printed", "");
  root.dataset["printing"] = "one";
  document.title = question.slice(0, 80);
  addEventListener("afterprint", end, { once: true });
  print();
}
