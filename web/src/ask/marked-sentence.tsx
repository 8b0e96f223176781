import { memo } from "react";
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
  /** Those of the answer, by their numbers. */
  citations: ReadonlyMap<number, Citation>;
  openNumber: number | null;
  onOpen: (citation: Citation) => void;
}

/**
 * A sentence of an answer with its numbers and its grade; words no source holds are underlined.
 *
 * Drawn again only when it looks otherwise: a long answer grows by many sentences, and each would
 * have all those before it drawn anew.
 */
export const MarkedSentence = memo(Marked, looksSame);

function looksSame(one: Props, other: Props): boolean {
  return (
    one.onOpen === other.onOpen &&
    openIn(one) === openIn(other) &&
    one.sentence.text === other.sentence.text &&
    one.sentence.grade === other.sentence.grade &&
    isEqual(one.sentence.unsupported_terms, other.sentence.unsupported_terms) &&
    isEqual(citedIn(one).map(placeOf), citedIn(other).map(placeOf))
  );
}

function isEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each, at) => each === other[at]);
}

/** The key of a citation: the same one comes with its sentence and again at the end. */
function placeOf({ number, chunk_id, start, end }: Citation): string {
  return `${number} ${chunk_id} ${start} ${end}`;
}

function openIn({ sentence, openNumber }: Props): number | null {
  return openNumber !== null && sentence.citations.includes(openNumber) ? openNumber : null;
}

function citedIn({ sentence, citations }: Props): Citation[] {
  return sentence.citations.flatMap((number) => citations.get(number) ?? []);
}

function Marked(props: Props) {
  const { t } = useTranslation();
  const { sentence, openNumber, onOpen } = props;
  const { grade, unsupported_terms: terms } = sentence;
  const cited = citedIn(props);
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
