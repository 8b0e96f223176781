const DAY_MS = 86_400_000;

/** A time that figures are of: a day, or a month. */
export type Bucket = "day" | "month";

/** Days (UTC) from one up to another, which is not included. */
export interface Days {
  from: string;
  to: string;
}

/** Begin of every day or month of a range (UTC), also of those of which nothing is known. */
export function startsOf({ from, to }: Days, bucket: Bucket): string[] {
  const starts: string[] = [];
  const end = Date.parse(to);
  for (let at = new Date(bucket === "month" ? `${from.slice(0, 7)}-01` : from); at.getTime() < end; ) {
    starts.push(at.toISOString().slice(0, 10));
    at = bucket === "month" ? new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 1)) : new Date(at.getTime() + DAY_MS);
  }
  return starts;
}

/** Marks of a scale from 0 to at least the most, at even and round steps: two to five of them. */
export function marksOf(most: number, isWhole: boolean): number[] {
  if (most <= 0) return [0];
  const rough = most / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const round = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough;
  const step = isWhole ? Math.max(1, round) : round;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, at) => Number((at * step).toPrecision(12)));
}

/** Places of at most five names below so many bars: the first, the last, and evenly between them. */
export function namedOf(bars: number): number[] {
  const gaps = Math.min(4, bars - 1);
  return gaps <= 0 ? [0] : Array.from({ length: gaps + 1 }, (_, at) => Math.round((at * (bars - 1)) / gaps));
}
