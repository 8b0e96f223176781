import { Problem, asProblem, problemOf } from "~/api/problem";
import { isLost, pauseAfter } from "~/api/retrying";
import type { Accepted, ConfirmedEmail, Me, PasskeyOptions, SecondFactorOffer, Tokens, WaysIn } from "~/api/schemas";
import { Store } from "~/kit/store";

import { unlockPasskey } from "./passkey";

/** Someone signed in, nobody, or not known yet. The access token is nowhere but in memory. */
export type Session =
  | { status: "unknown" }
  | { status: "out"; hasExpired: boolean }
  | { status: "unreachable"; problem: Problem }
  | { status: "in"; token: string; expiresAt: number; me: Me };

export const session = new Store<Session>({ status: "unknown" });

/** Renewed so long before its end, so that a request under way does not outlive its token. */
const MARGIN_MS = 30_000;
const LOCK = "citewell-session";

const otherTabs = new BroadcastChannel("citewell-session");
otherTabs.onmessage = () => {
  if (session.get().status === "in") session.set({ status: "out", hasExpired: false });
};

export interface Credentials {
  email: string;
  password: string;
  /** Of the second factor. */
  code?: string;
}

/** A way in that was opened and not gone yet: recovery codes are shown before. */
export interface Entrance {
  recoveryCodes: readonly string[];
  enter: () => Promise<void>;
}

export interface FirstAccount extends Credentials {
  name: string;
  token: string;
}

export interface InvitedAccount extends Credentials {
  name: string;
  invitation: string;
}

export async function signIn(credentials: Credentials): Promise<Entrance> {
  const tokens = await post("/api/v1/auth/login", { ...credentials, cookie: true });
  return {
    recoveryCodes: tokens.recovery_codes ?? [],
    enter: async () => {
      await enter(tokens);
    },
  };
}

/** Signs in with a passkey; nothing happens if its owner has thought better of it. */
export async function signInWithPasskey(): Promise<void> {
  const asked = await post<PasskeyOptions>("/api/v1/auth/passkeys/begin", {});
  const credential = await unlockPasskey(asked);
  if (credential === null) return;
  await enter(await post("/api/v1/auth/passkeys/sign-in", { ceremony: asked.ceremony, credential, cookie: true }));
}

/** The providers of single sign-on of this installation. */
export async function waysIn(): Promise<WaysIn> {
  const reply = await fetch("/api/v1/auth/ways-in");
  if (!reply.ok) throw await problemOf(reply);
  return (await reply.json()) as WaysIn;
}

/** Fetches the secret for an authenticator app, for somebody who does not get in without one. */
export async function offerSecondFactor({ email, password }: Credentials): Promise<SecondFactorOffer> {
  return post<SecondFactorOffer>("/api/v1/auth/second-factor/begin", { email, password });
}

export async function setUp(account: FirstAccount): Promise<void> {
  await enter(await post("/api/v1/auth/setup", { ...account, cookie: true }));
}

/** Makes the account of somebody invited; whoever was signed in here before is not any more. */
export async function join(account: InvitedAccount): Promise<void> {
  const tokens = await post("/api/v1/auth/register", { ...account, cookie: true });
  session.set({ status: "unknown" });
  // Without tokens the account is made, and signing in takes more than its password.
  if (tokens.access_token) await enter(tokens);
  else session.set({ status: "out", hasExpired: false });
}

/** Sets a new password by the token of a link, and signs in with it. */
export async function reset(account: Credentials & { reset: string }): Promise<void> {
  const { email, password, reset: token } = account;
  const tokens = await post("/api/v1/auth/reset", { email, new_password: password, token, cookie: true });
  session.set({ status: "unknown" });
  // Without tokens a second factor is asked for at the sign-in.
  if (tokens.access_token) await enter(tokens);
  else session.set({ status: "out", hasExpired: false });
}

/** Asks for a link to set a new password; the reply is the same for every address. */
export async function remind(email: string): Promise<void> {
  await post<Accepted>("/api/v1/auth/forgot", { email });
}

/** Makes a new address the account's, by the token of the link that went there; gives the address. */
export async function confirmEmail(token: string): Promise<string> {
  return (await post<ConfirmedEmail>("/api/v1/auth/email/confirm", { token })).email;
}

/**
 * Goes on with the session that the browser's cookie holds, if it holds one. Where the server cannot be
 * reached it is tried again by itself, until somebody signs in.
 */
export async function resume(): Promise<void> {
  for (let failures = 1; ; failures += 1) {
    try {
      await renewed();
      return;
    } catch (error) {
      const problem = asProblem(error);
      const { status } = session.get();
      if (status !== "unknown" && status !== "unreachable") return;
      session.set({ status: "unreachable", problem });
      if (!isLost(problem)) return;
      await pauseAfter(failures, problem).over;
    }
  }
}

/** Ends the session on the server too; without an answer it ends here all the same. */
export async function signOut(): Promise<void> {
  const current = session.get();
  const headers: HeadersInit =
    current.status === "in" ? { Authorization: `Bearer ${current.token}` } : {};
  try {
    const reply = await fetch("/api/v1/auth/logout", { method: "POST", headers });
    if (!reply.ok && reply.status !== 401) throw await problemOf(reply);
  } finally {
    otherTabs.postMessage("out");
    session.set({ status: "out", hasExpired: false });
  }
  // Otherwise the next person at this computer is one click from getting in again.
  const provider = current.status === "in" ? /^oidc:(.+)$/.exec(current.me.signed_in_by ?? "") : null;
  if (provider !== null) location.assign(`/api/v1/auth/oidc/${provider[1]}/sign-out`);
}

/**
 * `fetch` with the session's token, renewed before it ends and once more when the server refuses
 * it. When the session is over, the page asks to sign in, and what was typed stays.
 */
export async function authorisedFetch(input: Request): Promise<Response> {
  const again = input.clone();
  let reply = await sent(input, await token());
  if (reply.status === 401) reply = await sent(again, await renewed());
  return reply;
}

/** A token that holds for a while. */
export async function token(): Promise<string> {
  const current = session.get();
  if (current.status === "in" && current.expiresAt - Date.now() > MARGIN_MS) return current.token;
  return renewed();
}

function sent(request: Request, bearer: string): Promise<Response> {
  request.headers.set("Authorization", `Bearer ${bearer}`);
  return fetch(request);
}

let renewing: Promise<string> | null = null;

function renewed(): Promise<string> {
  renewing ??= oneTabAtATime(renew).finally(() => {
    renewing = null;
  });
  return renewing;
}

/** A refresh token works once: two tabs that send the same one would end the session. */
async function oneTabAtATime(work: () => Promise<string>): Promise<string> {
  // Locks are there in secure contexts only, which loopback and HTTPS are.
  return "locks" in navigator ? await navigator.locks.request(LOCK, work) : await work();
}

async function renew(): Promise<string> {
  const reply = await fetch("/api/v1/auth/refresh", { method: "POST" });
  if (reply.status === 401 || reply.status === 403) {
    session.set({ status: "out", hasExpired: session.get().status === "in" });
    throw await problemOf(reply);
  }
  if (!reply.ok) throw await problemOf(reply);
  return enter((await reply.json()) as Tokens);
}

async function post<Reply = Tokens>(path: string, body: object): Promise<Reply> {
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!reply.ok) throw await problemOf(reply);
  return (await reply.json()) as Reply;
}

async function enter(tokens: Tokens): Promise<string> {
  const bearer = tokens.access_token;
  const expiresAt = Date.now() + tokens.expires_in * 1000;
  const current = session.get();
  let me = current.status === "in" ? current.me : null;
  if (me === null) {
    const reply = await sent(new Request("/api/v1/auth/me"), bearer);
    if (!reply.ok) throw await problemOf(reply);
    me = (await reply.json()) as Me;
  }
  session.set({ status: "in", token: bearer, expiresAt, me });
  return bearer;
}
