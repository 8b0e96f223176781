/** The parts of an evaluation set's page, as its address names them. */
export const SET_VIEWS = ["cases", "runs"] as const;
export type SetView = (typeof SET_VIEWS)[number];
