import type { Problem } from "~/api/problem";

/** Pauses between attempts to reach the server again; after the last one, over and over. */
const PAUSES_MS = [300, 1_000, 3_000, 8_000, 15_000, 30_000];
/** Pauses differ by a quarter, so that all pages do not come back at once. */
const JITTER = 0.25;

/** Whether the way to the server was lost, or the server is being started again behind a proxy. */
export function isLost(problem: Problem): boolean {
  return problem.code === "network" || problem.code === "cut" || [502, 503, 504].includes(problem.status);
}

export interface Pause {
  /** Resolves when it is over: by time, because the browser is online again, or by `end`. */
  over: Promise<void>;
  end: () => void;
}

/** The pause after so many attempts in vain; at least as long as the server asked for. */
export function pauseAfter(failures: number, { retryAfter }: Problem): Pause {
  const usual = PAUSES_MS[Math.min(failures, PAUSES_MS.length) - 1] ?? 0;
  const milliseconds = Math.max(usual * (1 + JITTER * (2 * Math.random() - 1)), (retryAfter ?? 0) * 1_000);
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    addEventListener("online", end);
  });
  return { over, end };
}
