/** The parts of a document's page, as its address names them. */
export const DOCUMENT_VIEWS = ["versions", "access", "properties", "activity"] as const;
export type DocumentView = (typeof DOCUMENT_VIEWS)[number];
