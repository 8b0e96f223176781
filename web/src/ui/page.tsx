import { useEffect, useRef, type ReactNode } from "react";

interface Props {
  heading: string;
  /** Above the heading: the way back. */
  above?: ReactNode;
  /** Beside the heading. */
  actions?: ReactNode;
  intro?: ReactNode;
  isWide?: boolean;
  children: ReactNode;
}

/** A page with its heading. */
export function Page({ heading, above, actions, intro, isWide = false, children }: Props) {
  return (
    <main id="main" className={`mx-auto w-full ${isWide ? "max-w-[84rem]" : "max-w-[64rem]"} min-w-0 px-4 py-8 sm:px-6`}>
      {above !== undefined && <div className="mb-1 text-sm">{above}</div>}
      <div className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h1 className="font-serif text-3xl leading-tight font-semibold wrap-anywhere">{heading}</h1>
          {intro !== undefined && <div className="mt-1 max-w-[44rem] text-soft">{intro}</div>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap gap-2">{actions}</div>}
      </div>
      {children}
    </main>
  );
}

/** A state in a word, coloured by what it means. */
export function Badge({ tone = "plain", children }: { tone?: "plain" | "good" | "doubt" | "bad"; children: ReactNode }) {
  const tones = { plain: "border-line text-soft", good: "border-good/50 text-good", doubt: "border-doubt/50 text-doubt", bad: "border-bad/60 text-bad" };
  return <span className={`inline-block shrink-0 rounded-md border px-2 py-0.5 text-sm ${tones[tone]}`}>{children}</span>;
}

interface ViewsProps<Key extends string> {
  label: string;
  views: readonly { key: Key; name: string }[];
  current: Key;
  onChoose: (key: Key) => void;
  /** Whether they stand below each other where there is room at the side: for more than fit into a line. */
  isColumn?: boolean;
}

/** The parts of a page, of which one is shown; in one line, which scrolls where it is too long. */
export function Views<Key extends string>({ label, views, current, onChoose, isColumn = false }: ViewsProps<Key>) {
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const pressed = line.current?.querySelector<HTMLElement>("[aria-pressed=true]");
    // Not `scrollIntoView`, which moves the page as well.
    if (line.current && pressed) line.current.scrollLeft = pressed.offsetLeft - (line.current.clientWidth - pressed.offsetWidth) / 2;
  }, [current]);
  return (
    <div
      ref={line}
      role="group"
      aria-label={label}
      className={`relative mb-5 flex gap-1 overflow-x-auto border-b border-line p-1 pb-2 ${isColumn ? "lg:flex-col lg:self-start lg:overflow-visible lg:border-0" : ""}`}
    >
      {views.map(({ key, name }) => (
        <button
          key={key}
          type="button"
          aria-pressed={key === current}
          className={`shrink-0 rounded-md px-3 py-1.5 whitespace-nowrap text-soft hover:bg-wash aria-pressed:bg-wash aria-pressed:font-semibold aria-pressed:text-ink ${isColumn ? "lg:text-start lg:whitespace-normal" : ""}`}
          onClick={() => onChoose(key)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
