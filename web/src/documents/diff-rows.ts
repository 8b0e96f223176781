/** Differences between two texts; positions count characters, as the API does. */
export interface Hunk {
  from_start: number;
  from_end: number;
  removed: string;
  added: string;
}

export interface Stretch {
  text: string;
  isChanged: boolean;
}

/** A line of both texts side by side, or how many equal lines were left out. */
export type DiffRow =
  | { kind: "line"; left: Stretch[]; right: Stretch[]; isChanged: boolean }
  | { kind: "gap"; lines: number };

/** Equal lines that are kept on each side of a change. */
const AROUND = 2;

/** Both texts line by line, the older left; `text` is the older one. */
export function diffRows(text: string, hunks: readonly Hunk[]): DiffRow[] {
  const characters = [...text];
  const lines: Extract<DiffRow, { kind: "line" }>[] = [];
  let line = emptyLine();
  let at = 0;

  const same = (until: number) => {
    const [first = "", ...more] = characters.slice(at, until).join("").split("\n");
    push(line, first);
    for (const part of more) {
      lines.push(line);
      line = emptyLine();
      push(line, part);
    }
    at = until;
  };

  for (const hunk of hunks) {
    same(hunk.from_start);
    if (hunk.removed !== "") line.left.push({ text: hunk.removed, isChanged: true });
    if (hunk.added !== "") line.right.push({ text: hunk.added, isChanged: true });
    line.isChanged = true;
    at = hunk.from_end;
  }
  same(characters.length);
  lines.push(line);
  return withGaps(lines);
}

function emptyLine(): Extract<DiffRow, { kind: "line" }> {
  return { kind: "line", left: [], right: [], isChanged: false };
}

function push(line: Extract<DiffRow, { kind: "line" }>, text: string): void {
  if (text === "") return;
  line.left.push({ text, isChanged: false });
  line.right.push({ text, isChanged: false });
}

function withGaps(lines: readonly Extract<DiffRow, { kind: "line" }>[]): DiffRow[] {
  const isNear = new Array<boolean>(lines.length).fill(false);
  lines.forEach((line, at) => {
    if (line.isChanged) isNear.fill(true, Math.max(0, at - AROUND), at + AROUND + 1);
  });
  const rows: DiffRow[] = [];
  lines.forEach((line, at) => {
    const last = rows.at(-1);
    if (isNear[at] === true) rows.push(line);
    else if (last?.kind === "gap") last.lines += 1;
    else rows.push({ kind: "gap", lines: 1 });
  });
  return rows;
}
