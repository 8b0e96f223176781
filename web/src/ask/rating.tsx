import { useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { api } from "~/api/client";
import { asProblem, type Problem } from "~/api/problem";
import { ProblemNote } from "~/ui/problem-note";

const RATINGS = [1, 2, 3, 4, 5];

/** A rating from 1 to 5 with a comment; a later one replaces it. */
export function Rating({ queryId, given }: { queryId: string; given: { rating: number; comment: string } | null }) {
  const { t } = useTranslation();
  const id = useId();
  const [rating, setRating] = useState<number | null>(given?.rating ?? null);
  const [comment, setComment] = useState(given?.comment ?? "");
  const [isSaved, setIsSaved] = useState(given !== null);
  const [problem, setProblem] = useState<Problem | null>(null);

  async function save(value: number, words: string): Promise<void> {
    setProblem(null);
    try {
      await api.POST("/api/v1/feedback", {
        body: { query_id: queryId, rating: value, comment: words },
      });
      setIsSaved(true);
    } catch (error) {
      setProblem(asProblem(error));
    }
  }

  return (
    <form
      className="text-sm"
      onSubmit={(event) => {
        event.preventDefault();
        if (rating !== null) void save(rating, comment);
      }}
    >
      <fieldset className="flex flex-wrap items-center gap-x-1.5">
        <legend className="float-left me-2 text-soft max-sm:mb-1 max-sm:w-full">{t("rate.question")}</legend>
        {RATINGS.map((value) => (
          <label
            key={value}
            title={t(value === 1 ? "rate.worst" : value === 5 ? "rate.best" : "rate.between", { value })}
            className="grid size-8 cursor-pointer place-items-center rounded-md border border-line has-checked:border-accent has-checked:bg-accent has-checked:text-on-accent has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent"
          >
            <input
              type="radio"
              name={`${id}-rating`}
              className="sr-only"
              checked={rating === value}
              onChange={() => {
                setRating(value);
                void save(value, comment);
              }}
            />
            {value}
          </label>
        ))}
        <span role="status" className="ms-1 text-soft">
          {isSaved ? t("rate.thanks") : ""}
        </span>
      </fieldset>
      {rating !== null && (
        <div className="mt-2 flex flex-wrap items-end gap-2">
          <label className="min-w-0 flex-1 basis-64">
            <span className="sr-only">{t("rate.comment")}</span>
            <textarea
              className="field min-h-11"
              rows={2}
              maxLength={4000}
              placeholder={t("rate.comment")}
              value={comment}
              onChange={(event) => {
                setComment(event.target.value);
                setIsSaved(false);
              }}
            />
          </label>
          <button type="submit" className="button button-line" disabled={isSaved || comment.trim() === ""}>
            {t("rate.send")}
          </button>
        </div>
      )}
      {problem !== null && <ProblemNote problem={problem} />}
    </form>
  );
}
