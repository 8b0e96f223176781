import { asProblem } from "~/api/problem";
import { isLost } from "~/api/retrying";
import type { Job } from "~/api/schemas";
import { token } from "~/session/session";

/** Pauses between attempts to open the socket again. */
const PAUSES_MS = [500, 2_000, 5_000, 15_000];
/** The access token is sent anew so often, before the one of the socket ends. */
const RENEW_MS = 240_000;

/** A change, as the socket tells it. */
export interface Told {
  type: string;
  event_id?: number;
  job?: Job;
}

/**
 * Tells what happens to a topic over a socket of its own. Only a help: readers of it ask for the
 * same by requests, too, since sockets are cut off by some proxies.
 */
export class TopicSocket {
  private socket: WebSocket | null = null;
  private failures = 0;
  private last: number | null = null;
  private isWanted = false;
  private isReady = false;

  constructor(
    private readonly topic: string,
    private readonly onTold: (told: Told) => void,
    /** After what was missed could not be told again. */
    private readonly onGap: () => void,
  ) {}

  get isLive(): boolean {
    return this.isReady;
  }

  open(): void {
    if (this.isWanted) return;
    this.isWanted = true;
    this.failures = 0;
    void this.connect();
  }

  close(): void {
    this.isWanted = false;
    this.socket?.close();
  }

  private async connect(): Promise<void> {
    let bearer: string;
    try {
      bearer = await token();
    } catch (error) {
      if (isLost(asProblem(error))) this.again();
      else this.isWanted = false; // signed out: the next `open` tries anew
      return;
    }
    if (!this.isWanted) return; // closed meanwhile
    const address = new URL("/ws", location.origin);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    const send = (message: object) => socket.send(JSON.stringify(message));
    const renewing = setInterval(() => {
      void token().then((next) => {
        if (socket.readyState === WebSocket.OPEN) send({ type: "auth", token: next });
      }, () => undefined);
    }, RENEW_MS);
    let isSubscribed = false;
    socket.onopen = () => send({ type: "auth", token: bearer });
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      const told = JSON.parse(data) as Told;
      if (told.event_id !== undefined) this.last = Math.max(this.last ?? 0, told.event_id);
      if (told.type === "ready" && !isSubscribed) {
        isSubscribed = true;
        send({ type: "subscribe", topic: this.topic, ...(this.last === null ? {} : { last_event_id: this.last }) });
      }
      if (told.type === "subscribed") {
        this.isReady = true;
        this.failures = 0;
        this.onGap(); // what happened before the first subscription is asked for
      }
      if (told.type === "resync") this.onGap();
      if (told.type === "document_update" || told.type === "job_update") this.onTold(told);
    };
    socket.onclose = () => {
      clearInterval(renewing);
      this.isReady = false;
      this.again();
    };
  }

  private again(): void {
    const pause = PAUSES_MS[Math.min(this.failures, PAUSES_MS.length - 1)];
    this.failures += 1;
    setTimeout(() => {
      if (this.isWanted) void this.connect();
    }, pause);
  }
}
