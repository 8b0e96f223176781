/** A node of a workflow: it comes after others, `ID.yes` where only one of two ways leads on. */
export interface GraphNode {
  id: string;
  kind: string;
  after: readonly string[];
}

export interface Placed extends GraphNode {
  /** From 0: how many nodes stand before it on the longest way. */
  layer: number;
  /** From 0: its place within the layer. */
  row: number;
}

export interface Edge {
  from: string;
  to: string;
  /** `yes` or `no`, where a way is named. */
  way: string | null;
}

/** Layers from left to right; what comes after stands further right. Unknown names are left out. */
export function layered(nodes: readonly GraphNode[]): { placed: Placed[]; edges: Edge[] } {
  const known = new Map(nodes.map((node) => [node.id, node]));
  const edges = nodes.flatMap((node) =>
    node.after.flatMap((name): Edge[] => {
      const [from = "", way = null] = name.split(".");
      return known.has(from) ? [{ from, to: node.id, way }] : [];
    }),
  );
  const layers = new Map<string, number>();
  const layerOf = (id: string, above: readonly string[]): number => {
    const found = layers.get(id);
    if (found !== undefined) return found;
    // A circle is told as a fault of the text; here it must only end.
    if (above.includes(id)) return 0;
    const before = edges.filter((edge) => edge.to === id).map((edge) => layerOf(edge.from, [...above, id]) + 1);
    const layer = Math.max(0, ...before);
    layers.set(id, layer);
    return layer;
  };
  const rows = new Map<number, number>();
  const placed = nodes.map((node) => {
    const layer = layerOf(node.id, []);
    const row = rows.get(layer) ?? 0;
    rows.set(layer, row + 1);
    return { ...node, layer, row };
  });
  return { placed, edges };
}
