import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Key } from "~/i18n/key";
import { ChoiceField } from "~/ui/fields";
import { Page, Views } from "~/ui/page";

import { CitedDocuments } from "./cited-documents";
import { FrequentQuestions } from "./frequent-questions";
import { QuestionLog } from "./question-log";
import type { Days } from "./spans";
import { Spending } from "./spending";
import { UsageFigures } from "./usage-figures";
import { ANALYTICS_VIEWS, type AnalyticsView } from "./views";

const NAMES: Record<AnalyticsView, Key> = {
  usage: "analytics.usage", questions: "analytics.questions", documents: "analytics.documents", spending: "analytics.spending", log: "analytics.log",
};

const RANGES = { "7": "range.week", "30": "range.month", "90": "range.quarter", "365": "range.year" } as const satisfies Record<string, Key>;
type Range = keyof typeof RANGES;

const DAY_MS = 86_400_000;

/** An organisation's questions and their outcomes, for managers and above. */
export function AnalyticsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { view = "usage" } = useSearch({ strict: false }) as { view?: AnalyticsView };
  const [range, setRange] = useState<Range>("30");
  // Up to the end of today, so that a range stays the same while the page is open.
  const end = Math.ceil(Date.now() / DAY_MS) * DAY_MS;
  const to = new Date(end).toISOString();
  const from = new Date(end - Number(range) * DAY_MS).toISOString();
  const days: Days = { from: from.slice(0, 10), to: to.slice(0, 10) };
  return (
    <Page
      heading={t("nav.analytics")}
      isWide
      actions={<ChoiceField label={t("range.label")} value={range} onChange={setRange} options={(Object.keys(RANGES) as Range[]).map((value) => ({ value, name: t(RANGES[value] as "range.week") }))} />}
    >
      <Views
        label={t("document.views")}
        views={ANALYTICS_VIEWS.map((key) => ({ key, name: t(NAMES[key] as "analytics.log") }))}
        current={view}
        onChoose={(next) => void navigate({ to: "/analytics", search: { view: next }, replace: true })}
      />
      {view === "usage" && <UsageFigures days={days} />}
      {view === "questions" && <FrequentQuestions days={days} />}
      {view === "documents" && <CitedDocuments days={days} />}
      {view === "spending" && <Spending days={days} />}
      {view === "log" && <QuestionLog from={from} to={to} />}
    </Page>
  );
}
