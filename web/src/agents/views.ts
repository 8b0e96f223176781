/** The parts of an agent's page, as its address names them. */
export const AGENT_VIEWS = ["run", "runs", "definition", "versions"] as const;
export type AgentView = (typeof AGENT_VIEWS)[number];
