import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { useStore } from "~/kit/store";
import { mayHeal } from "~/ui/failure";
import { Close } from "~/ui/icons";
import { useAdvice } from "~/ui/problem-note";

import { Resembling } from "./resembling";
import { arrivals, cancel, clearFinished, tryAgain, uploads, type Upload } from "./uploads";

/** Files of which it is told what they resemble: each look counts as a search, of which 100 a minute are allowed. */
const MOST_COMPARED = 20;

/** The files on their way, each with how far it has come. */
export function UploadList() {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const all = useStore(uploads);
  const arrived = useStore(arrivals);

  useEffect(() => {
    if (arrived > 0) void queries.invalidateQueries({ queryKey: ["documents"] });
  }, [arrived, queries]);

  if (all.length === 0) return null;
  const isBusy = all.some((each) => ["waiting", "sending", "processing"].includes(each.state));
  const failed = all.filter(canBeSentAgain);
  return (
    <section aria-label={t("upload.list")} className="mt-3">
      <ul className="divide-y divide-line rounded-xl border border-line bg-sheet">
        {all.map((upload, at) => (
          <Row key={upload.id} upload={upload} isCompared={at < MOST_COMPARED} />
        ))}
      </ul>
      <div className="mt-1 flex flex-wrap gap-1">
        {!isBusy && (
          <button type="button" className="button button-bare text-sm" onClick={clearFinished}>
            {t("upload.clear")}
          </button>
        )}
        {failed.length > 1 && (
          <button type="button" className="button button-bare text-sm" onClick={() => failed.forEach(tryAgain)}>
            {t("upload.retryAll", { count: failed.length })}
          </button>
        )}
      </div>
    </section>
  );
}

function canBeSentAgain({ state, problem }: Upload): boolean {
  return state === "cancelled" || (state === "failed" && mayHeal(problem?.code));
}

function Row({ upload, isCompared }: { upload: Upload; isCompared: boolean }) {
  const { t } = useTranslation();
  const advice = useAdvice();
  const { state, problem, name } = upload;
  const share = shareOf(upload);
  return (
    <li className="px-4 py-2.5">
      <div className="flex items-baseline justify-between gap-4">
        {upload.documentId !== null && state !== "failed" ? (
          <Link to="/documents/$documentId" params={{ documentId: upload.documentId }} className="min-w-0 truncate font-medium underline-offset-4 hover:underline" title={upload.path}>
            {name}
          </Link>
        ) : (
          <span className="min-w-0 truncate font-medium" title={upload.path}>
            {name}
          </span>
        )}
        <span className="flex shrink-0 items-center gap-2">
        <span role="status" className={`text-sm ${state === "failed" ? "text-bad" : "text-soft"}`}>
          <Stage upload={upload} />
        </span>
        {["waiting", "sending", "processing"].includes(state) && (
          <button type="button" className="button button-bare min-h-8 px-1.5" aria-label={t("upload.cancel", { name })} title={t("upload.cancel", { name })} onClick={() => cancel(upload)}>
            <Close />
          </button>
        )}
        </span>
      </div>
      {(state === "sending" || state === "processing") && (
        <progress
          aria-label={name}
          className="mt-1.5 block h-1.5 w-full overflow-hidden rounded-full bg-wash accent-accent [&::-webkit-progress-bar]:bg-wash [&::-webkit-progress-value]:bg-accent"
          max={1}
          {...(share === null ? {} : { value: share })}
        />
      )}
      {["processing", "ready"].includes(state) && upload.documentId !== null && (
        <Resembling documentId={upload.documentId} named={upload.resembles} isRead={state === "ready" && isCompared} />
      )}
      {state === "cancelled" && (
        <button type="button" className="button button-line mt-1 text-sm" onClick={() => tryAgain(upload)}>
          {t("action.retry")}
        </button>
      )}
      {problem !== null && (
        <div className="mt-1 flex flex-wrap items-center justify-between gap-2 text-sm">
          <p className="min-w-0 wrap-anywhere">{advice(problem, name)}</p>
          {canBeSentAgain(upload) && (
            <button type="button" className="button button-line" onClick={() => tryAgain(upload)}>
              {t("action.retry")}
            </button>
          )}
        </div>
      )}
    </li>
  );
}

/** How far the present step has come; null while that is not known. */
function shareOf({ state, sent, job }: Upload): number | null {
  if (state === "sending") return sent;
  const progress = job?.progress;
  if (progress === null || progress === undefined || progress.total === null || progress.total === 0) return null;
  return progress.done / progress.total;
}

function Stage({ upload }: { upload: Upload }) {
  const { t } = useTranslation();
  switch (upload.state) {
    case "waiting":
      return t("upload.waiting");
    case "sending":
      return t("upload.sending", { share: Math.round(upload.sent * 100) });
    case "unchanged":
      return t("upload.unchanged");
    case "ready":
      return upload.version === null ? t("upload.ready") : t("upload.readyVersion", { version: upload.version });
    case "failed":
      return t("upload.failed");
    case "cancelled":
      return t("documents.cancelled");
    case "processing": {
      const progress = upload.job?.progress;
      if (progress === null || progress === undefined) return t("upload.queued");
      const { done, total } = progress;
      const count = total === null ? String(done) : `${done} / ${total}`;
      return progress.stage === "parsing" ? t("upload.parsing", { count }) : t("upload.embedding", { count });
    }
  }
}
