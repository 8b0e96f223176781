import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";

import { api, data } from "~/api/client";
import type { Message } from "~/api/schemas";
import { useStore } from "~/kit/store";

import { followMessage, turnOfMessage, turns, type Turn } from "./turns";

const AT_ONCE = 100;

async function allMessages(id: string, signal: AbortSignal): Promise<Message[]> {
  const all: Message[] = [];
  for (let page = 1; ; page += 1) {
    const params = { path: { conversation_id: id }, query: { page, limit: AT_ONCE } };
    const found = await data(api.GET("/api/v1/conversations/{conversation_id}/messages", { params, signal }));
    all.push(...found.data);
    if (page >= found.pagination.total_pages) return all;
  }
}

/** The messages of a conversation: as stored, and as they come for those that are being answered. */
export function useMessages(id: string, ownId: string | null, isOwn: boolean) {
  const { data: stored, error, isPending, refetch } = useQuery({
    queryKey: ["messages", id],
    queryFn: ({ signal }) => allMessages(id, signal),
    staleTime: 0,
    refetchOnWindowFocus: true,
  });
  const here = useStore(turns);

  useEffect(() => {
    // Streams are their owner's; others see the answer once it is stored.
    if (!isOwn) return;
    for (const message of stored ?? []) followMessage(id, message);
  }, [id, stored, isOwn]);

  const all = useMemo(() => merged(id, stored ?? [], here, ownId), [id, stored, here, ownId]);
  return { all, error, isLoading: isPending, refetch: () => void refetch() };
}

/** Joins both lists: a turn of this page knows more than its stored message; unstored ones come last. */
function merged(id: string, stored: readonly Message[], here: readonly Turn[], ownId: string | null): Turn[] {
  const known = new Map(here.map((turn) => [turn.messageId, turn]));
  const ids = new Set(stored.map((message) => message.id));
  const news = here.filter((turn) => turn.conversationId === id && !ids.has(turn.messageId ?? ""));
  return [...stored.map((message) => known.get(message.id) ?? turnOfMessage(id, message, ownId)), ...news];
}
