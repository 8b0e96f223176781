import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { QuerySummary } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { moment, number } from "~/kit/format";
import { UserName } from "~/sharing/names";
import { ChoiceField } from "~/ui/fields";
import { Listing } from "~/ui/listing";
import { Badge } from "~/ui/page";

import { SaveFile } from "~/ui/save-file";

const KINDS = { all: "log.all", unanswered: "log.unanswered", low_confidence: "log.doubtful", badly_rated: "log.badlyRated", refused: "log.refused" } as const satisfies Record<string, Key>;
type Kind = keyof typeof KINDS;

const LEVELS: Record<string, Key> = { high: "confidence.high", medium: "confidence.medium", low: "confidence.low" };

/** The question log, as far as the organisation lets managers see it. */
export function QuestionLog({ from, to }: { from: string; to: string }) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<Kind>("all");
  const filters = { from, to, ...(kind === "all" ? {} : { only: kind }) };
  return (
    <>
      <div className="mb-4 flex flex-wrap items-end justify-between gap-4">
        <ChoiceField label={t("log.show")} value={kind} onChange={setKind} options={(Object.keys(KINDS) as Kind[]).map((value) => ({ value, name: t(KINDS[value] as "log.all") }))} />
        <SaveFile path="/api/v1/queries/export" query={filters} name="questions.csv" />
      </div>
      <Listing
        queryKey={["queries", "log", filters]}
        read={async (page, signal) => {
          const found = await data(api.GET("/api/v1/queries", { params: { query: { ...page, ...filters } }, signal }));
          return { ...found, data: found.data.map((each) => ({ ...each, id: each.query_id })) };
        }}
        empty={t("log.none")}
        row={(each) => <Row question={each} />}
      />
    </>
  );
}

function Row({ question }: { question: QuerySummary }) {
  const { t } = useTranslation();
  const level = LEVELS[question.confidence.level];
  return (
    <div className="grid gap-x-4 gap-y-0.5 sm:grid-cols-[11rem_1fr]">
      <p className="text-sm text-soft tabular-nums">{moment(question.timestamp)}</p>
      <div className="min-w-0">
        <p className="font-medium wrap-anywhere">{question.query}</p>
        <p className="mt-0.5 flex flex-wrap items-center gap-2 text-sm text-soft">
          {question.refusal !== null && <Badge tone="bad">{t("log.refused")}</Badge>}
          {question.abstained ? <Badge tone="bad">{t("log.noAnswer")}</Badge> : level !== undefined && <Badge tone={question.confidence.level === "low" ? "doubt" : "plain"}>{t(level as "confidence.low")}</Badge>}
          {question.rating !== null && <Badge tone={question.rating <= 2 ? "bad" : "plain"}>{t("log.rated", { rating: number(question.rating, 1) })}</Badge>}
          {question.user_id !== null && <UserName id={question.user_id} />}
        </p>
      </div>
    </div>
  );
}
