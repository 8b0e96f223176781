import { useTranslation } from "react-i18next";

export interface Point {
  name: string;
  /** Null: nothing is known of it. */
  value: number | null;
}

interface Props {
  heading: string;
  points: readonly Point[];
  shown: (value: number) => string;
}

const WIDTH = 600;
const HEIGHT = 120;

/** Bars over time, with the figures behind them one click away. */
export function Chart({ heading, points, shown }: Props) {
  const { t } = useTranslation();
  const most = Math.max(0, ...points.map(({ value }) => value ?? 0));
  const step = WIDTH / Math.max(1, points.length);
  return (
    <figure className="min-w-0 rounded-xl border border-line bg-sheet p-4">
      <figcaption className="mb-2 flex justify-between gap-3 font-medium">
        <span>{heading}</span>
        <span className="text-sm font-normal text-soft tabular-nums">{t("chart.most", { value: shown(most) })}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="block h-28 w-full" role="img" aria-label={t("chart.label", { what: heading })}>
        <line x1={0} x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} className="stroke-line" />
        {points.map(({ name, value }, place) => {
          const height = most === 0 || value === null ? 0 : (value / most) * (HEIGHT - 4);
          return (
            <rect key={name} x={place * step + step * 0.1} width={step * 0.8} y={HEIGHT - height} height={height} className="fill-accent">
              <title>{`${name}: ${value === null ? "–" : shown(value)}`}</title>
            </rect>
          );
        })}
      </svg>
      <details className="mt-2">
        <summary className="text-sm text-accent">{t("chart.table")}</summary>
        <div className="mt-2 max-h-64 overflow-auto" tabIndex={0} role="region" aria-label={heading}>
          <table className="w-full text-sm tabular-nums">
            <thead>
              <tr><th scope="col" className="py-1 text-start font-medium">{t("chart.time")}</th><th scope="col" className="py-1 text-end font-medium">{heading}</th></tr>
            </thead>
            <tbody>
              {points.map(({ name, value }) => (
                <tr key={name} className="border-t border-line"><th scope="row" className="py-1 text-start font-normal">{name}</th><td className="py-1 text-end">{value === null ? "–" : shown(value)}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
