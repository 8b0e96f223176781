import { useTranslation } from "react-i18next";

import type { Explanation } from "~/api/schemas";
import { LEVELS } from "~/documents/names";
import type { Key } from "~/i18n/key";
import { Badge } from "~/ui/page";

import { ROLE_NAMES, type RoleName } from "./names";

/** Highest level that each role reads, as the server's policy has it. */
const REACH: Record<string, string> = { guest: "public", employee: "internal", manager: "confidential", director: "restricted" };

/** The reasons that the server gives, by their codes. */
const REASONS: Record<string, Key> = {
  document_denied: "reason.documentDenied",
  collection_denied: "reason.collectionDenied",
  document_granted: "reason.documentGranted",
  collection_granted: "reason.collectionGranted",
  document_granted_for_reading: "reason.documentReading",
  collection_granted_for_reading: "reason.collectionReading",
  role_reads_level: "reason.roleReads",
  role_below_level: "reason.roleBelow",
  role_writes_level: "reason.roleWrites",
  role_writes_own_only: "reason.roleOwn",
  collection_private: "reason.collectionPrivate",
  owner: "reason.owner",
  not_readable: "reason.notReadable",
  user_invited: "reason.invited",
  user_deactivated: "reason.deactivated",
};

export type Decision = Explanation["read"];

interface Subject {
  /** Role of the user whose access it is. */
  role: string;
  /** Access level of the document. */
  level: string;
  /** Whether it is the reader's own access. */
  isOwn?: boolean;
}

/** The words for reasons of a verdict, in the reader's language. */
export function useReasons({ role, level, isOwn = false }: Subject): (reason: Decision["reasons"][number]) => string {
  const { t } = useTranslation();
  const levelName = (of: string | undefined) => t((LEVELS[of as keyof typeof LEVELS] ?? "level.public") as "level.public");
  const shared = {
    role: t((ROLE_NAMES[role as RoleName] ?? "role.guest") as "role.guest"),
    level: levelName(level),
    reach: levelName(REACH[role]),
  };

  function whom(group: string | null | undefined): string {
    if (group === null || group === undefined) return t(isOwn ? "reason.you" : "reason.person");
    return t(isOwn ? "reason.yourGroup" : "reason.group", { group });
  }

  return (reason) => {
    const key = REASONS[reason.code];
    return key === undefined ? reason.detail : t(key as "reason.owner", { ...shared, whom: whom(reason.group_name) });
  };
}

/** Whether something may be done with a document, with every reason that was looked at. */
export function Verdict({ name, verdict, ...subject }: Subject & { name: string; verdict: Decision }) {
  const { t } = useTranslation();
  const words = useReasons(subject);
  return (
    <div className="mt-2">
      <p className="flex items-center gap-2 font-medium">
        {name} <Badge tone={verdict.allowed ? "good" : "bad"}>{t(verdict.allowed ? "why.yes" : "why.no")}</Badge>
      </p>
      <ul className="mt-1 list-disc ps-5 text-sm text-soft">
        {verdict.reasons.map((reason, at) => <li key={at} className="wrap-anywhere">{words(reason)}</li>)}
      </ul>
    </div>
  );
}
