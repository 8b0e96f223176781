import { useQuery } from "@tanstack/react-query";

import { api, data } from "~/api/client";
import type { Workflow } from "~/api/schemas";

import type { GraphNode } from "./layout";

/** The nodes of a workflow's newest version, which everybody may see: those of a dry run. */
export function useNodes(workflow: Workflow | undefined): { nodes: readonly GraphNode[] | null; problems: readonly string[]; error: Error | null } {
  const { data: plan, error } = useQuery({
    queryKey: ["workflows", "plan", workflow?.id, workflow?.version],
    enabled: workflow !== undefined,
    queryFn: () => {
      // Anything will do for the inputs: nothing is called.
      const inputs = Object.fromEntries(Object.entries(workflow?.inputs ?? {}).filter(([, each]) => each.default == null).map(([name]) => [name, "…"]));
      return data(api.POST("/api/v1/workflows/{workflow_id}/plan", { params: { path: { workflow_id: workflow?.id ?? "" } }, body: { inputs } }));
    },
  });
  const nodes = plan?.nodes.map(({ node, kind, after }) => ({ id: node, kind, after })) ?? null;
  return { nodes, problems: plan?.problems ?? [], error };
}
