/*
 * Puts a box for questions into a page of another site:
 *
 *   <script src="https://citewell.example.org/embed.js" data-box="TOKEN" async></script>
 *
 * It appears where the script stands, or at the end of the element that `data-target` selects. What
 * is asked and answered stays within the frame: the page around it learns its height alone.
 */
(() => {
  const script = document.currentScript;
  const { box = "", target, label } = script.dataset;
  const address = new URL(`embed/${encodeURIComponent(box)}`, script.src);
  const frame = document.createElement("iframe");
  frame.src = address.href;
  frame.title = label || "Citewell";
  frame.referrerPolicy = "no-referrer";
  frame.loading = "lazy";
  Object.assign(frame.style, { border: "0", display: "block", width: "100%", height: "11rem", colorScheme: "light dark" });
  const place = target ? document.querySelector(target) : null;
  if (target && !place) console.error(`Citewell: nothing on this page is ${target}.`);
  if (place) place.append(frame);
  else script.after(frame);
  addEventListener("message", (event) => {
    const height = event.data?.citewellHeight;
    const isOurs = event.source === frame.contentWindow && event.origin === address.origin;
    if (isOurs && Number.isFinite(height)) frame.style.height = `${Math.min(Math.max(height, 80), 5000)}px`;
  });
})();
