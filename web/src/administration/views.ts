/** The parts of the administration, as its address names them. */
export const ADMIN_VIEWS = ["users", "groups", "keys", "connections", "webhooks", "embeds", "usage", "settings", "questions", "audit", "system"] as const;
export type AdminView = (typeof ADMIN_VIEWS)[number];
