/** The parts of a workflow's page, as its address names them. */
export const WORKFLOW_VIEWS = ["graph", "start", "source", "runs", "versions", "triggers"] as const;
export type WorkflowView = (typeof WORKFLOW_VIEWS)[number];
