/** The parts of a document's page, as its address names them. */
export const DOCUMENT_VIEWS = ["versions", "access", "properties", "activity"] as const;
export type DocumentView = (typeof DOCUMENT_VIEWS)[number];

/** The states of documents that their list can be narrowed to, as its address names them. */
export const DOCUMENT_STATUSES = ["ready", "processing", "queued", "failed"] as const;
export type DocumentStatus = (typeof DOCUMENT_STATUSES)[number];
