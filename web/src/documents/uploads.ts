import { api, data } from "~/api/client";
import { asProblem, Problem, problemFrom, type ProblemDocument } from "~/api/problem";
import type { AcceptedDocument, Job, OtherDocument } from "~/api/schemas";
import { TopicSocket } from "~/api/socket";
import { Store } from "~/kit/store";
import { token } from "~/session/session";

import { namesOf, type FoundFile } from "./folders";

export type UploadState = "waiting" | "sending" | "processing" | "ready" | "unchanged" | "failed" | "cancelled";

/** A file on its way into the library. */
export interface Upload {
  id: number;
  name: string;
  /** Where it lay in the folder it came with. */
  path: string;
  file: File;
  place: Place;
  state: UploadState;
  /** Share of the bytes sent, 0 to 1. */
  sent: number;
  documentId: string | null;
  /** The version that it became, of a known document; null for a new one. */
  version: number | null;
  /** Other documents that hold the same file. */
  resembles: readonly OtherDocument[];
  job: Job | null;
  problem: Problem | null;
}

/** Where files go, and who may read them; null as the server has it. */
export interface Place {
  collectionId: string | null;
  level: string | null;
}

/** Requests at once; more would only share the same line. */
const SIDE_BY_SIDE = 2;
/** A job is asked for so often while the socket tells nothing, and to be sure while it does. */
const POLL_MS = 700;
const POLL_BESIDE_SOCKET_MS = 10_000;

export const uploads = new Store<readonly Upload[]>([], "often");
/** Counts what has become ready, so that lists are read anew. */
export const arrivals = new Store(0);
/** Where the next files go. */
export const place = new Store<Place>({ collectionId: null, level: null });

const requests = new Map<number, XMLHttpRequest>();
const awaited = new Map<string, (job: Job | null) => void>();
const socket = new TopicSocket(
  "user:me",
  ({ job }) => { if (job !== undefined) awaited.get(job.id)?.(job); },
  () => { for (const wake of [...awaited.values()]) wake(null); },
);

let lastId = 0;
let busy = 0;

export function add(found: readonly FoundFile[]): void {
  const names = namesOf(found);
  const news = found.map(({ file, path }, at): Upload => {
    lastId += 1;
    return {
      id: lastId, name: names[at] ?? file.name, path, file, place: place.get(),
      state: "waiting", sent: 0, documentId: null, version: null, resembles: [], job: null, problem: null,
    };
  });
  uploads.update((all) => [...all, ...news]);
  work();
}

export function tryAgain(upload: Upload): void {
  if (upload.job !== null) {
    void processed(upload.id, retried(upload.job.id));
    return;
  }
  change(upload.id, { state: "waiting", sent: 0, problem: null });
  work();
}

/** Stops a file where it is; what was there before goes on answering. */
export function cancel(upload: Upload): void {
  requests.get(upload.id)?.abort();
  if (upload.job !== null) {
    const path = { job_id: upload.job.id };
    const ended = api.POST("/api/v1/jobs/{job_id}/cancel", { params: { path } });
    ended.then(() => awaited.get(path.job_id)?.(null), (error: unknown) => change(upload.id, { problem: asProblem(error) }));
  } else {
    change(upload.id, { state: "cancelled" });
  }
}

/** Takes what is finished off the list. */
export function clearFinished(): void {
  uploads.update((all) => all.filter(({ state }) => ["waiting", "sending", "processing"].includes(state)));
}

export function forgetUploads(): void {
  for (const request of requests.values()) request.abort();
  uploads.set([]);
  place.set({ collectionId: null, level: null });
  socket.close();
}

function change(id: number, changed: Partial<Upload>): void {
  uploads.update((all) => all.map((each) => (each.id === id ? { ...each, ...changed } : each)));
}

function work(): void {
  const next = uploads.get().find((each) => each.state === "waiting");
  if (next === undefined || busy >= SIDE_BY_SIDE) return;
  busy += 1;
  change(next.id, { state: "sending" });
  void take(next).finally(() => {
    busy -= 1;
    work();
  });
  work();
}

async function take(upload: Upload): Promise<void> {
  socket.open();
  try {
    const accepted = await send(upload);
    change(upload.id, { documentId: accepted.id, version: accepted.change === "version" ? accepted.version : null, resembles: accepted.resembles ?? [] });
    if (accepted.job_id === null) {
      change(upload.id, { state: "unchanged", sent: 1 });
      return;
    }
    void processed(upload.id, job(accepted.job_id));
  } catch (error) {
    const problem = asProblem(error);
    change(upload.id, problem.code === "aborted" ? { state: "cancelled" } : { state: "failed", problem });
  }
}

/** `fetch` tells nothing of what has been sent, XMLHttpRequest does. */
async function send(upload: Upload): Promise<AcceptedDocument> {
  const bearer = await token();
  const { collectionId, level } = upload.place;
  return new Promise<AcceptedDocument>((resolve, reject) => {
    const request = new XMLHttpRequest();
    requests.set(upload.id, request);
    request.open("POST", "/api/v1/documents/upload");
    request.setRequestHeader("Authorization", `Bearer ${bearer}`);
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => change(upload.id, { sent: loaded / total });
    request.onerror = () => reject(new Problem("network", ""));
    request.onabort = () => reject(new Problem("aborted", ""));
    request.onload = () => {
      const body = request.response as (ProblemDocument & { documents?: AcceptedDocument[] }) | null;
      const accepted = body?.documents?.[0];
      if (request.status === 202 && accepted !== undefined) resolve(accepted);
      else reject(problemFrom(body ?? {}, request.status, request.getResponseHeader("Retry-After")));
    };
    const form = new FormData();
    form.append("files", upload.file, upload.name);
    if (collectionId !== null) form.append("collection_id", collectionId);
    if (level !== null) form.append("access_level", level);
    if (upload.path.includes("/")) form.append("metadata", JSON.stringify({ path: upload.path }));
    request.send(form);
  }).finally(() => requests.delete(upload.id));
}

function job(id: string): Promise<Job> {
  return data(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: id } } }));
}

function retried(id: string): Promise<Job> {
  return data(api.POST("/api/v1/jobs/{job_id}/retry", { params: { path: { job_id: id } } }));
}

async function processed(id: number, first: Promise<Job>): Promise<void> {
  try {
    let current = await first;
    while (current.status === "queued" || current.status === "running") {
      change(id, { state: "processing", sent: 1, job: current, problem: null });
      current = (await toldOf(current.id)) ?? (await job(current.id));
    }
    if (current.status === "succeeded") {
      change(id, { state: "ready", job: current });
    } else if (current.status === "cancelled") {
      change(id, { state: "cancelled", job: current });
    } else {
      const problem = new Problem(current.code ?? `job_${current.status}`, current.reason ?? "");
      change(id, { state: "failed", job: current, problem });
    }
    arrivals.update((count) => count + 1);
  } catch (error) {
    change(id, { state: "failed", problem: asProblem(error) });
  }
}

/** The job when the socket tells of it; null when it is time to ask. */
function toldOf(jobId: string): Promise<Job | null> {
  return new Promise((done) => {
    const timer = setTimeout(() => finish(null), socket.isLive ? POLL_BESIDE_SOCKET_MS : POLL_MS);
    const finish = (told: Job | null) => {
      clearTimeout(timer);
      awaited.delete(jobId);
      done(told);
    };
    awaited.set(jobId, finish);
  });
}
