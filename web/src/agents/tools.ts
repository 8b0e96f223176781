import type { Key } from "~/i18n/key";

/** The tools that agents can have, with what they do (`docs/guide/agents.md`). */
export const TOOLS: Record<string, Key> = {
  search_documents: "tool.search",
  read_document: "tool.read",
  list_documents: "tool.list",
  calculate: "tool.calculate",
  current_time: "tool.time",
  compare_documents: "tool.compare",
  query_table: "tool.table",
  ask_agent: "tool.agent",
  fetch_url: "tool.fetch",
  send_http: "tool.send",
};
