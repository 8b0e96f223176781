import { locale } from "~/i18n";

/** A day as the reader writes it. */
export function day(time: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(new Date(time));
}

/** Day and time as the reader writes them. */
export function moment(time: string): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));
}

/** A day of the calendar (UTC) without its year, where many stand side by side. */
export function shortDay(date: string): string {
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(date));
}

/** A month of the calendar (UTC). */
export function month(date: string): string {
  return new Intl.DateTimeFormat(locale(), { month: "short", year: "numeric", timeZone: "UTC" }).format(new Date(date));
}

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
}

export function share(value: number): string {
  return new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: 1 }).format(value);
}

export function size(bytes: number): string {
  const [value, unit] =
    bytes < 1_000_000 ? [bytes / 1_000, "kilobyte"] : bytes < 1_000_000_000 ? [bytes / 1_000_000, "megabyte"] : [bytes / 1_000_000_000, "gigabyte"];
  const digits = value < 10 ? 1 : 0;
  return new Intl.NumberFormat(locale(), { style: "unit", unit, maximumFractionDigits: digits }).format(value);
}

export function seconds(value: number): string {
  const digits = value < 10 ? 1 : 0;
  return new Intl.NumberFormat(locale(), { style: "unit", unit: "second", unitDisplay: "narrow", maximumFractionDigits: digits }).format(value);
}

/** Between two times, or until now; null before the first. */
export function duration(from: string | null, to: string | null): string | null {
  if (from === null) return null;
  const end = to === null ? Date.now() : Date.parse(to);
  return seconds(Math.max(0, end - Date.parse(from)) / 1_000);
}

/** US dollars; sums of a few cents keep the digits that tell them apart. */
export function money(value: number): string {
  const digits = value !== 0 && value < 0.1 ? 4 : 2;
  return new Intl.NumberFormat(locale(), { style: "currency", currency: "USD", maximumFractionDigits: digits }).format(value);
}
