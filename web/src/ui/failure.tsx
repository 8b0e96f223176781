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

/** The kind of a file by the end of its name. */
const KIND = /\.([a-z0-9]{1,5})$/i;

/** Failures of the file itself, which is read no better the next time. */
const FINAL = new Set([
  "corrupt_document", "document_too_large", "empty_document", "encrypted_document", "unsupported_format", "stored_file_missing",
  "attachments_refused", "empty_file", "too_large", "file_too_large",
]);

/** Whether the same file can become ready if it is tried again; so it is where the reason is not known. */
export function mayHeal(code: string | null | undefined): boolean {
  return !FINAL.has(code ?? "");
}

/** A failure in words, in every language those of its code; the server's where it has none. */
export function useFailureWords(): (code: string | null | undefined, detail: string, filename?: string) => string {
  const { t } = useTranslation();
  return (code, detail, filename = "") => {
    const key = FAILURES[code ?? ""];
    const kind = KIND.exec(filename)?.[1]?.toUpperCase();
    if (code === "corrupt_document" && kind !== undefined) return t("failure.corruptKind", { kind });
    return key === undefined ? detail : t(key as "failure.empty");
  };
}

interface Props {
  code: string | null | undefined;
  detail: string;
  /** Of the file that failed. */
  filename?: string;
  className?: string;
}

/** The failure of a document or of a job, said once; the server's own words, with figures, unfold where they differ. */
export function Failure({ code, detail, filename, className = "mt-1 text-sm" }: Props) {
  const { t } = useTranslation();
  const words = useFailureWords()(code, detail, filename);
  const isServers = words === detail;
  return (
    <div className={`${className} wrap-anywhere`}>
      <p lang={isServers ? "en" : undefined} className="text-bad">{words}</p>
      {!isServers && detail !== "" && (
        <details className="text-soft">
          <summary>{t("failure.detail")}</summary>
          <p lang="en">{detail}</p>
        </details>
      )}
    </div>
  );
}
