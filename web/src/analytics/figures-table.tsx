import type { ReactNode } from "react";

interface Props {
  label: string;
  /** The first column names the row. */
  columns: readonly string[];
  rows: readonly { key: string; cells: readonly ReactNode[] }[];
}

/** Rows of figures, numbers at the right. */
export function FiguresTable({ label, columns, rows }: Props) {
  return (
    <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={label}>
      <table className="w-full tabular-nums">
        <thead>
          <tr className="border-b border-line text-sm text-soft">
            {columns.map((name, place) => <th key={name} scope="col" className={`px-2 py-2 font-medium ${place === 0 ? "text-start" : "text-end"}`}>{name}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ key, cells }) => (
            <tr key={key} className="border-b border-line">
              {cells.map((cell, place) =>
                place === 0 ? <th key={place} scope="row" className="px-2 py-2 text-start font-normal wrap-anywhere">{cell}</th> : <td key={place} className="px-2 py-2 text-end">{cell}</td>,
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
