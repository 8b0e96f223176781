import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

interface Asked {
  messages: { role: string }[];
  tools?: { function: { name: string } }[];
}

const ANSWER = ["Salaries are paid on the 28th of the month in Bristol [1]. ", "Everybody sings about it."];

/**
 * A language model on loopback that works through a fixed plan: it searches, sends what it found, and
 * answers. What it sent arrives here too, and is told by `GET /sent`.
 */
export async function startVendor(): Promise<{ server: Server; address: string }> {
  const sent: string[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (request.url === "/channel") {
        sent.push(body);
        response.writeHead(200).end("ok");
      } else if (request.url === "/sent") {
        response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(sent));
      } else if (request.method === "GET") {
        response.writeHead(200, { "Content-Type": "application/json" }).end('{"object": "list", "data": [{"id": "m-1", "object": "model"}]}');
      } else {
        reply(JSON.parse(body) as Asked, response, address());
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

function reply({ messages, tools = [] }: Asked, response: ServerResponse, address: string): void {
  const done = messages.filter((message) => message.role === "tool").length;
  const has = (name: string) => tools.some((tool) => tool.function.name === name);
  const calls = (name: string, given: object) =>
    stream(response, [{ tool_calls: [{ index: 0, id: `call-${done}`, type: "function", function: { name, arguments: JSON.stringify(given) } }] }], "tool_calls");
  if (done === 0 && has("search_documents")) calls("search_documents", { query: "When are salaries paid in Bristol?" });
  else if (done === 1 && has("send_http")) calls("send_http", { method: "POST", url: `${address}/channel`, body: "Paid on the 28th." });
  else stream(response, ANSWER.map((content) => ({ content })), "stop");
}

/** The reply in OpenAI's wire format. */
function stream(response: ServerResponse, deltas: object[], reason: string): void {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const chunk = (choices: object[], more: object = {}) =>
    response.write(`data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices, ...more })}\n\n`);
  for (const delta of deltas) chunk([{ index: 0, delta, finish_reason: null }]);
  chunk([{ index: 0, delta: {}, finish_reason: reason }]);
  chunk([], { usage: { prompt_tokens: 120, completion_tokens: 30, total_tokens: 150 } });
  response.end("data: [DONE]\n\n");
}
