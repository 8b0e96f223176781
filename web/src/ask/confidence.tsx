import { useTranslation } from "react-i18next";

import type { QueryReply } from "~/api/schemas";
import type { Key } from "~/i18n/key";

const LEVELS: Record<string, { name: Key; steps: number; colour: string }> = {
  high: { name: "confidence.high", steps: 3, colour: "bg-good" },
  medium: { name: "confidence.medium", steps: 2, colour: "bg-doubt" },
  low: { name: "confidence.low", steps: 1, colour: "bg-bad" },
};
const STEPS = [1, 2, 3];

/** How far the answer can be relied on, with the reasons in words. */
export function Confidence({ confidence }: { confidence: QueryReply["confidence"] }) {
  const { t } = useTranslation();
  const level = LEVELS[confidence.level];
  const reasons = confidence.reasons ?? [];
  if (level === undefined && reasons.length === 0) return null;
  return (
    <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1 text-sm">
      {level !== undefined && (
        <p className="flex items-center gap-2 font-semibold">
          <span aria-hidden="true" className="flex gap-0.5 print:hidden">
            {STEPS.map((step) => (
              <span key={step} className={`h-2.5 w-4 rounded-sm ${step <= level.steps ? level.colour : "bg-line"}`} />
            ))}
          </span>
          {t(level.name as "confidence.high")}
        </p>
      )}
      <p className="min-w-0 text-soft">{reasons.join(" ")}</p>
    </div>
  );
}
