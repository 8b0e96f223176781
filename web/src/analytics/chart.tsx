import { useTranslation } from "react-i18next";

import type { Key } from "~/i18n/key";

import { marksOf, namedOf, type Bucket } from "./spans";

export interface Point {
  name: string;
  /** Null: nothing is known of it. */
  value: number | null;
}

interface Props {
  heading: string;
  /** All days or months of the range. */
  points: readonly Point[];
  bucket: Bucket;
  shown: (value: number) => string;
  /** Whether the figure has no parts of one, so that the scale has none. */
  isWhole?: boolean;
}

const HIGHEST: Record<Bucket, Key> = { day: "chart.highestDay", month: "chart.highestMonth" };
const WIDTH = 600;
const HEIGHT = 120;

/** Bars over time between two scales, with the figures behind them one click away. */
export function Chart({ heading, points, bucket, shown, isWhole = true }: Props) {
  const { t } = useTranslation();
  const most = Math.max(0, ...points.map(({ value }) => value ?? 0));
  const marks = marksOf(most, isWhole);
  const top = marks.at(-1) || 1;
  const step = WIDTH / Math.max(1, points.length);
  const at = (value: number) => HEIGHT - (value / top) * (HEIGHT - 2);
  return (
    <figure className="min-w-0 rounded-xl border border-line bg-sheet p-4">
      <figcaption className="mb-3 flex flex-wrap justify-between gap-x-3 font-medium">
        <span>{heading}</span>
        <span className="text-sm font-normal text-soft tabular-nums">{most === 0 ? t("chart.nothing") : t(HIGHEST[bucket] as "chart.highestDay", { value: shown(most) })}</span>
      </figcaption>
      <div className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-2 text-xs text-soft tabular-nums">
        <div aria-hidden="true" className="flex h-28 flex-col-reverse justify-between text-end leading-none">
          {/* Each mark as high as nothing, so that it stands at its line. */}
          {marks.map((mark) => <span key={mark} className="flex h-0 items-center justify-end whitespace-nowrap">{shown(mark)}</span>)}
        </div>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="block h-28 w-full overflow-visible" role="img" aria-label={t("chart.label", { what: heading })}>
          {marks.map((mark) => <line key={mark} x1={0} x2={WIDTH} y1={at(mark)} y2={at(mark)} vectorEffect="non-scaling-stroke" className="stroke-line" />)}
          {points.map(({ name, value }, place) => (
            <g key={name}>
              {value !== null && value > 0 && <rect x={place * step + step * 0.1} width={step * 0.8} y={at(value)} height={HEIGHT - at(value)} className="fill-accent" />}
              <rect x={place * step} width={step} y={0} height={HEIGHT} className="fill-transparent">
                <title>{`${name}: ${value === null ? "–" : shown(value)}`}</title>
              </rect>
            </g>
          ))}
        </svg>
        <span />
        <div aria-hidden="true" className="mt-1.5 flex justify-between gap-1">
          {namedOf(points.length).map((place, each, all) => (
            <span key={place} className={`whitespace-nowrap ${all.length === 5 && each % 2 === 1 ? "max-sm:hidden" : ""}`}>{points[place]?.name}</span>
          ))}
        </div>
      </div>
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
