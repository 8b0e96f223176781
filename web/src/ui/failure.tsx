import { useTranslation } from "react-i18next";

import type { Key } from "~/i18n/key";

/** Why a document could not be made ready (`docs/guide/formats-and-limits.md`). */
const FAILURES: Record<string, Key> = {
  attachments_refused: "failure.attachments",
  corrupt_document: "failure.corrupt",
  document_too_large: "failure.tooLarge",
  embedding_failed: "failure.embedding",
  empty_document: "failure.empty",
  encrypted_document: "failure.encrypted",
  internal_error: "problem.unexpected",
  parse_memory_exceeded: "failure.memory",
  parse_timeout: "failure.timeout",
  parser_crashed: "failure.crashed",
  recognition_missing: "failure.recognition",
  storage_failed: "failure.storage",
  stored_file_missing: "failure.missing",
  unsupported_format: "failure.unsupported",
};

/** A failure in words, in every language those of its code; the server's where it has none. */
export function useFailureWords(): (code: string | null | undefined, detail: string) => string {
  const { t } = useTranslation();
  return (code, detail) => {
    const key = FAILURES[code ?? ""];
    return key === undefined ? detail : t(key as "failure.empty");
  };
}

/** The failure of a document or of a job; below it what the server said, which knows sizes and names. */
export function Failure({ code, detail, className = "mt-1 text-sm" }: { code: string | null | undefined; detail: string; className?: string }) {
  const words = useFailureWords()(code, detail);
  return (
    <div className={`${className} wrap-anywhere`}>
      <p className="text-bad">{words}</p>
      {words !== detail && detail !== "" && <p className="text-[0.85em] text-soft" lang="en">{detail}</p>}
    </div>
  );
}
