/** Something that did not work: a problem document of the server, or the way to it. */
export class Problem extends Error {
  override readonly name = "Problem";

  constructor(
    /** Stable; `network` and `cut` are the page's own. */
    readonly code: string,
    readonly detail: string,
    readonly status = 0,
    /** Seconds after which it can be tried again. */
    readonly retryAfter: number | null = null,
    readonly requestId: string | null = null,
  ) {
    super(detail || code);
  }
}

export interface ProblemDocument {
  code?: unknown;
  detail?: unknown;
  request_id?: unknown;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The problem in a reply; a proxy's page in the place of one is not shown. */
export async function problemOf(reply: Response): Promise<Problem> {
  let body: ProblemDocument = {};
  try {
    body = (await reply.json()) as ProblemDocument;
  } catch {
    // Not JSON: the status has to do.
  }
  return problemFrom(body, reply.status, reply.headers.get("Retry-After"));
}

export function problemFrom(
  body: ProblemDocument,
  status: number,
  retryAfter: string | null = null,
): Problem {
  const seconds = Number(retryAfter);
  return new Problem(
    text(body.code) ?? `http_${status}`,
    text(body.detail) ?? "",
    status,
    retryAfter !== null && Number.isFinite(seconds) ? seconds : null,
    text(body.request_id),
  );
}

/** As the server has it: fewer characters are refused. */
const SHORTEST_PASSWORD = 15;

/** A refused password told apart by what was typed: too short, or easily guessed. */
export function passwordProblem(error: unknown, password: string): Problem {
  const problem = asProblem(error);
  const isShort = problem.code === "weak_password" && [...password.normalize("NFC")].length < SHORTEST_PASSWORD;
  return isShort ? new Problem("short_password", problem.detail, problem.status) : problem;
}

/** Any error as a problem, so that every page has one way to tell of it. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // `fetch` says TypeError for everything that kept a reply from arriving.
  if (error instanceof TypeError) return new Problem("network", "");
  return new Problem("unexpected", error instanceof Error ? error.message : String(error));
}
