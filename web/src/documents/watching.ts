import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent } from "react";

import { TopicSocket } from "~/api/socket";

interface Watch {
  socket: TopicSocket;
  watchers: Set<() => void>;
}

const watches = new Map<string, Watch>();

/** The query that holds a document, wherever it is shown. */
export function documentKey(documentId: string): readonly string[] {
  return ["documents", "one", documentId];
}

/** Reads a document anew as soon as it changes, is deleted or taken from the reader. */
export function useWatched(documentId: string): void {
  const queries = useQueryClient();
  const readAnew = useEffectEvent(() => void queries.invalidateQueries({ queryKey: documentKey(documentId) }));
  useEffect(() => watch(documentId, () => readAnew()), [documentId]);
}

/** Calls when something happens to a document, until the returned function is called. */
function watch(documentId: string, onChange: () => void): () => void {
  const found = watches.get(documentId) ?? begin(documentId);
  found.watchers.add(onChange);
  found.socket.open();
  return () => {
    found.watchers.delete(onChange);
    if (found.watchers.size > 0) return;
    watches.delete(documentId);
    found.socket.close();
  };
}

function begin(documentId: string): Watch {
  const watchers = new Set<() => void>();
  const tellAll = () => { for (const each of [...watchers]) each(); };
  const begun = { socket: new TopicSocket(`document:${documentId}`, tellAll, tellAll), watchers };
  watches.set(documentId, begun);
  return begun;
}
