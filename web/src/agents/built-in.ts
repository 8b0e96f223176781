import { useTranslation } from "react-i18next";

import type { Agent } from "~/api/schemas";
import type { Key } from "~/i18n/key";

/** The agents that every organisation has (`features/agents/built_in.py`), by their short names. */
const BUILT_IN: Record<string, { name: Key; does: Key }> = {
  researcher: { name: "builtin.researcher", does: "builtin.researcher.does" },
  comparer: { name: "builtin.comparer", does: "builtin.comparer.does" },
  "table-analyst": { name: "builtin.tableAnalyst", does: "builtin.tableAnalyst.does" },
  "policy-checker": { name: "builtin.policyChecker", does: "builtin.policyChecker.does" },
};

/** The name of an agent: built-in ones in the language of the page, others as they were named. */
export function useAgentWords(): (agent: Agent) => { name: string; description: string } {
  const { t } = useTranslation();
  return (agent) => {
    const known = agent.is_built_in ? BUILT_IN[agent.slug] : undefined;
    if (known === undefined) return agent;
    return { name: t(known.name as "builtin.researcher"), description: t(known.does as "builtin.researcher.does") };
  };
}
