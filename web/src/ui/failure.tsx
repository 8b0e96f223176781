import { useTranslation } from "react-i18next";

import { language } from "~/i18n";
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

/**
 * A failure in words: in English the server's own, which know sizes and names, in other languages
 * those of its code; the server's where it has none.
 */
export function useFailureWords(): (code: string | null | undefined, detail: string) => string {
  const { t } = useTranslation();
  return (code, detail) => {
    const key = FAILURES[code ?? ""];
    if (key === undefined || (detail !== "" && language() === "en")) return detail;
    return t(key as "failure.empty");
  };
}

/** The failure of a document or of a job; what the server said comes when pointed at. */
export function Failure({ code, detail, className = "mt-1 text-sm" }: { code: string | null | undefined; detail: string; className?: string }) {
  const words = useFailureWords()(code, detail);
  return <p className={`${className} text-bad wrap-anywhere`} {...(words === detail ? {} : { title: detail })}>{words}</p>;
}
