import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { STATUS_NAMES, statusTone } from "~/documents/names";
import type { Key } from "~/i18n/key";
import { Badge } from "~/ui/page";

import { layered, type Edge, type GraphNode, type Placed } from "./layout";

export const KINDS: Record<string, Key> = {
  agent: "kind.agent",
  search: "kind.search",
  condition: "kind.condition",
  parallel: "kind.parallel",
  map: "kind.map",
  approval: "kind.approval",
  wait: "kind.wait",
  aggregate: "kind.aggregate",
  workflow: "kind.workflow",
};

/** Sizes in pixels of the drawing. */
const BOX = { width: 176, height: 74 };
const GAP = { x: 76, y: 26 };

interface Props {
  nodes: readonly GraphNode[];
  /** Of a run: how far each node is. */
  states?: ReadonlyMap<string, string>;
  chosen?: string | null;
  onChoose?: (id: string) => void;
}

/** The nodes of a workflow from left to right, with the ways between them. */
export function Graph({ nodes, states, chosen = null, onChoose }: Props) {
  const { t } = useTranslation();
  const { placed, edges } = useMemo(() => layered(nodes), [nodes]);
  const byId = new Map(placed.map((node) => [node.id, node]));
  const columns = Math.max(0, ...placed.map((node) => node.layer)) + 1;
  const rows = Math.max(0, ...placed.map((node) => node.row)) + 1;
  const width = columns * (BOX.width + GAP.x) - GAP.x;
  const height = rows * (BOX.height + GAP.y) - GAP.y;
  return (
    <div className="overflow-auto rounded-xl border border-line bg-sheet p-5" tabIndex={0} role="region" aria-label={t("graph.label")}>
      <div className="relative" style={{ width, height }}>
        <svg aria-hidden="true" className="absolute inset-0 overflow-visible text-edge" width={width} height={height}>
          <defs>
            <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
              <path d="M0 0L8 4L0 8z" fill="currentColor" />
            </marker>
          </defs>
          {edges.map((edge, at) => <Way key={at} edge={edge} byId={byId} />)}
        </svg>
        <ol>
          {placed.map((node) => (
            <li key={node.id} className="absolute" style={{ left: left(node), top: top(node), width: BOX.width, height: BOX.height }}>
              <Box node={node} state={states?.get(node.id)} isChosen={chosen === node.id} {...(onChoose === undefined ? {} : { onChoose })} />
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

function left(node: Placed): number {
  return node.layer * (BOX.width + GAP.x);
}

function top(node: Placed): number {
  return node.row * (BOX.height + GAP.y);
}

function Way({ edge, byId }: { edge: Edge; byId: ReadonlyMap<string, Placed> }) {
  const { t } = useTranslation();
  const from = byId.get(edge.from);
  const to = byId.get(edge.to);
  if (from === undefined || to === undefined) return null;
  const [x1, y1, x2, y2] = [left(from) + BOX.width, top(from) + BOX.height / 2, left(to), top(to) + BOX.height / 2];
  const bend = Math.max(28, (x2 - x1) / 2);
  return (
    <>
      <path d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`} fill="none" stroke="currentColor" strokeWidth="1.6" markerEnd="url(#arrow)" />
      {edge.way !== null && (
        <text x={x2 - 12} y={y2 - 8} textAnchor="end" fontSize="12" className="fill-soft">{edge.way === "yes" ? t("graph.yes") : edge.way === "no" ? t("graph.no") : edge.way}</text>
      )}
    </>
  );
}

function Box({ node, state, isChosen, onChoose }: { node: Placed; state: string | undefined; isChosen: boolean; onChoose?: (id: string) => void }) {
  const { t } = useTranslation();
  const kind = KINDS[node.kind];
  const body = (
    <>
      <span className="block truncate text-sm font-semibold">{node.id}</span>
      <span className="block truncate text-sm text-soft">{kind === undefined ? node.kind : t(kind as "kind.agent")}</span>
      {state !== undefined && <Badge tone={statusTone(state)}>{t((STATUS_NAMES[state] ?? "documents.queued") as "documents.ready")}</Badge>}
    </>
  );
  const look = "block h-full w-full rounded-lg border border-edge bg-paper px-3 py-1 text-start";
  return onChoose === undefined ? (
    <div className={look} title={node.id}>{body}</div>
  ) : (
    <button type="button" className={`${look} hover:border-accent aria-pressed:border-accent aria-pressed:ring-2 aria-pressed:ring-accent`} aria-pressed={isChosen} title={node.id} onClick={() => onChoose(node.id)}>{body}</button>
  );
}
