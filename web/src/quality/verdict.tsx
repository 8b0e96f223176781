import { useTranslation } from "react-i18next";

import type { Key } from "~/i18n/key";
import { Badge } from "~/ui/page";

const VERDICTS: Record<string, { name: Key; tone: "good" | "doubt" | "bad" }> = {
  right: { name: "verdict.right", tone: "good" },
  partly: { name: "verdict.partly", tone: "doubt" },
  wrong: { name: "verdict.wrong", tone: "bad" },
  wrongly_abstained: { name: "verdict.wronglyAbstained", tone: "bad" },
  should_have_abstained: { name: "verdict.shouldHave", tone: "bad" },
};

/** How a reply was judged. */
export function Verdict({ verdict }: { verdict: string | null }) {
  const { t } = useTranslation();
  const known = verdict === null ? undefined : VERDICTS[verdict];
  if (known === undefined) return <Badge>{verdict ?? "–"}</Badge>;
  return <Badge tone={known.tone}>{t(known.name as "verdict.right")}</Badge>;
}
