import { useTranslation } from "react-i18next";

import type { Citation, Grade } from "~/api/schemas";
import type { Key } from "~/i18n/key";

import type { AnswerSentence } from "./answer";
import { CitationChip } from "./citation-chip";
import { withoutSource } from "./terms";

/** The name of each grade and what was checked for it; the same words in every interface. */
export const GRADES: Record<Grade, { name: Key; meaning: Key }> = {
  quoted: { name: "grade.quoted", meaning: "grade.quoted.meaning" },
  close: { name: "grade.close", meaning: "grade.close.meaning" },
  reworded: { name: "grade.reworded", meaning: "grade.reworded.meaning" },
  confirmed: { name: "grade.confirmed", meaning: "grade.confirmed.meaning" },
  contradicted: { name: "grade.contradicted", meaning: "grade.contradicted.meaning" },
  unsupported: { name: "grade.unsupported", meaning: "grade.unsupported.meaning" },
};

interface Props {
  sentence: AnswerSentence;
  citations: readonly Citation[];
  openNumber: number | null;
  onOpen: (citation: Citation) => void;
}

/** A sentence of an answer with its numbers and its grade; words no source holds are underlined. */
export function MarkedSentence({ sentence, citations, openNumber, onOpen }: Props) {
  const { t } = useTranslation();
  const { grade, unsupported_terms: terms } = sentence;
  const cited = sentence.citations.flatMap((number) => {
    const found = citations.find((citation) => citation.number === number);
    return found === undefined ? [] : [found];
  });
  if (sentence.text === null) return <span className="text-soft italic">{t("ask.withheld")} </span>;
  return (
    <span className={`sentence-${grade ?? "plain"}`}>
      {withoutSource(sentence.text, terms).map((part, at) =>
        part.isWithoutSource ? (
          <span key={at} className="no-source" title={t("grade.noSource")}>
            {part.text}
          </span>
        ) : (
          <span key={at}>{part.text}</span>
        ),
      )}
      {"\u2060"}
      <span className="whitespace-nowrap no-underline">
        {cited.map((citation) => (
          <CitationChip
            key={citation.number}
            citation={citation}
            isOpen={citation.number === openNumber}
            onOpen={onOpen}
          />
        ))}
        {grade !== null && (
          <span className={`grade grade-${grade}`} title={t(GRADES[grade].meaning as "grade.quoted.meaning")}>
            {t(GRADES[grade].name as "grade.quoted")}
          </span>
        )}
      </span>{" "}
    </span>
  );
}
