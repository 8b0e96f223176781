import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Asked {
  messages: { role: string; content?: unknown }[];
  stream?: boolean;
  tools?: { function: { name: string } }[];
}

/** In a question: its answer comes slowly, and the rest of it only after `GET /release`. */
export const SLOWLY = "slowly";
const SLOW_ANSWER = ["Salaries are paid on the 28th of the month in Bristol.", "Salaries are paid by bank transfer in Bristol."].map(
  (sentence) => `<quote passage="1">${sentence}</quote><say>${sentence}</say>\n`,
);

/** In a question: its answer has a thousand words, a sentence each 20 ms. */
export const AT_LENGTH = "at length";
export const BERTHS = Array.from({ length: 125 }, (_, at) => `Berth ${at + 1} costs ${at + 40} euros a day.`);
const LONG_ANSWER = BERTHS.map((sentence, at) => `<quote passage="${1 + (at % 3)}">${sentence}</quote><say>${sentence}</say>\n`);

const ANSWER = ["Salaries are paid on the 28th of the month in Bristol [1]. ", "Everybody sings about it."];

/**
 * A language model on loopback that works through a fixed plan: it searches, sends what it found, and
 * answers. What it sent arrives here too, and is told by `GET /sent`.
 */
export async function startVendor(): Promise<{ server: Server; address: string }> {
  const sent: string[] = [];
  let release: () => void = () => undefined;
  const held = () => new Promise<void>((done) => { release = done; });
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (request.url === "/channel") {
        sent.push(body);
        response.writeHead(200).end("ok");
      } else if (request.url === "/sent") {
        response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(sent));
      } else if (request.url === "/release") {
        release();
        response.writeHead(200).end("ok");
      } else if (request.method === "GET") {
        response.writeHead(200, { "Content-Type": "application/json" }).end('{"object": "list", "data": [{"id": "m-1", "object": "model"}]}');
      } else {
        void reply(JSON.parse(body) as Asked, response, address(), held);
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, address: address() };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const part of request) body += String(part);
  return body;
}

async function reply({ messages, tools = [], stream: isStream = false }: Asked, response: ServerResponse, address: string, held: () => Promise<void>): Promise<void> {
  const done = messages.filter((message) => message.role === "tool").length;
  const has = (name: string) => tools.some((tool) => tool.function.name === name);
  const calls = async (name: string, given: object) =>
    stream(response, [{ tool_calls: [{ index: 0, id: `call-${done}`, type: "function", function: { name, arguments: JSON.stringify(given) } }] }], "tool_calls");
  if (isStream && JSON.stringify(messages).includes(SLOWLY)) {
    await stream(response, SLOW_ANSWER.map((content) => ({ content })), "stop", held);
  } else if (isStream && JSON.stringify(messages).includes(AT_LENGTH)) {
    await stream(response, LONG_ANSWER.map((content) => ({ content })), "stop", () => new Promise((next) => setTimeout(next, 20)));
  } else if (done === 0 && has("search_documents")) await calls("search_documents", { query: "When are salaries paid in Bristol?" });
  else if (done === 1 && has("send_http")) await calls("send_http", { method: "POST", url: `${address}/channel`, body: "Paid on the 28th." });
  else await stream(response, ANSWER.map((content) => ({ content })), "stop");
}

/** The reply in OpenAI's wire format; with a pause after its first part where one is given. */
async function stream(response: ServerResponse, deltas: object[], reason: string, pause?: () => Promise<void>): Promise<void> {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const chunk = (choices: object[], more: object = {}) =>
    response.write(`data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices, ...more })}\n\n`);
  for (const [at, delta] of deltas.entries()) {
    if (at > 0) await pause?.();
    chunk([{ index: 0, delta, finish_reason: null }]);
  }
  chunk([{ index: 0, delta: {}, finish_reason: reason }]);
  chunk([], { usage: { prompt_tokens: 120, completion_tokens: 30, total_tokens: 150 } });
  response.end("data: [DONE]\n\n");
}
