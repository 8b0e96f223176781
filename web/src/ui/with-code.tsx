/** A sentence; what stands between backticks in it is shown as code. */
export function WithCode({ text }: { text: string }) {
  return (
    <>
      {text.split("`").map((part, at) =>
        at % 2 === 1 ? <code key={at} className="rounded bg-wash px-1 py-0.5 text-[0.92em] wrap-anywhere">{part}</code> : part,
      )}
    </>
  );
}
