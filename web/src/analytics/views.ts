/** The parts of the analytics, as its address names them. */
export const ANALYTICS_VIEWS = ["usage", "questions", "documents", "spending", "log"] as const;
export type AnalyticsView = (typeof ANALYTICS_VIEWS)[number];
