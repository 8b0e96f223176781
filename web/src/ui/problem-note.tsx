import { useTranslation } from "react-i18next";

import type { Problem } from "~/api/problem";
import type { Key } from "~/i18n/key";

import { useFailureWords } from "./failure";
import { WithCode } from "./with-code";

/** Advice for problems that people meet often; of the others the server's own words are shown. */
const ADVICE: Record<string, Key> = {
  network: "problem.network",
  cut: "problem.cut",
  unexpected: "problem.unexpected",
  internal_error: "problem.unexpected",
  invalid_credentials: "problem.credentials",
  invalid_setup_token: "problem.setupToken",
  reset_invalid: "problem.resetToken",
  email_token_invalid: "problem.emailToken",
  email_unchanged: "problem.emailUnchanged",
  password_missing: "problem.passwordMissing",
  unauthorized: "problem.signedOut",
  too_many_attempts: "problem.wait",
  too_many_questions: "problem.wait",
  question_too_long: "problem.questionTooLong",
  question_timed_out: "problem.questionTimedOut",
  collection_not_asked: "problem.collectionNotAsked",
  rate_limited: "problem.wait",
  too_large: "problem.tooLarge",
  file_too_large: "problem.tooLarge",
  empty_file: "problem.emptyFile",
  second_factor_invalid: "problem.secondFactor",
  passkey_invalid: "problem.passkey",
  sign_in_expired: "problem.signInExpired",
  provider_unavailable: "problem.provider",
  weak_password: "problem.weakPassword",
  short_password: "problem.shortPassword",
  invalid_email: "problem.email",
  server_busy: "problem.busy",
  unavailable: "problem.busy",
  database_unavailable: "problem.busy",
  forbidden: "problem.forbidden",
  not_found: "problem.notFound",
  document_not_found: "problem.notFound",
  version_not_found: "problem.notFound",
};

/** Advice on a problem; of a file that could not be read its name says of which kind it should be. */
export function useAdvice(): (problem: Problem, filename?: string) => string {
  const { t } = useTranslation();
  const failure = useFailureWords();
  return (problem, filename) => {
    const key = ADVICE[problem.code];
    if (key === "problem.wait") return t("problem.wait", { count: problem.retryAfter ?? 30 });
    if (key !== undefined) return t(key as "problem.unexpected");
    return failure(problem.code, problem.detail, filename) || t("problem.unexpected");
  };
}

/** A problem in words, read out when it appears. */
export function ProblemNote({ problem, onRetry }: { problem: Problem; onRetry?: () => void }) {
  const { t } = useTranslation();
  const advice = useAdvice();
  return (
    <div role="alert" className="my-3 rounded-lg border border-bad/50 bg-sheet px-4 py-3">
      <p><WithCode text={advice(problem)} /></p>
      {problem.requestId !== null && problem.status >= 500 && (
        <p className="mt-1 text-sm text-soft">{t("problem.request", { id: problem.requestId })}</p>
      )}
      {onRetry !== undefined && (
        <button type="button" className="button button-line mt-2" onClick={onRetry}>
          {t("action.retry")}
        </button>
      )}
    </div>
  );
}
