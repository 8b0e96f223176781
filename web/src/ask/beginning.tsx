import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import { DropZone } from "~/documents/drop-zone";
import { UploadList } from "~/documents/upload-list";
import { language } from "~/i18n";
import { ProblemNote } from "~/ui/problem-note";

/** Files of the library that a first start brings; both there: its questions have answers. */
const SAMPLES = ["employee-handbook.pdf", "quy-che-quan-ly-noi-bo.docx"];

interface Suggestion {
  language: string;
  question: string;
  /** Of the document that it is about. */
  title?: string;
}

/** Of the sample library, in the language of the documents that answer them. */
const EXAMPLES: readonly Suggestion[] = [
  { language: "en", question: "How many days of annual leave do employees get?" },
  { language: "vi", question: "Nhân viên phòng thí nghiệm hiệu chuẩn được bao nhiêu ngày phép một năm?" },
  { language: "en", question: "When will the Rill 340 be launched, now that the date has moved because of the mould?" },
  { language: "vi", question: "Khi hóa chất bắn vào mắt thì phải rửa mắt trong bao lâu?" },
  { language: "en", question: "Which extension do I call for the safety officer in Bristol?" },
  { language: "vi", question: "xe dua don o tram Cau Rong khoi hanh luc may gio" },
];

/** Documents looked through for the samples: the newest, which after a first start are all. */
const LOOKED_AT = 100;
/** Files of `samples/library`. With more than these, an organisation asks about its own. */
const SAMPLE_COUNT = 15;

/** The page before the first question: example questions, and a place for files. */
export function Beginning({ onAsk }: { onAsk: (question: string) => void }) {
  const { t, i18n } = useTranslation();
  const { data: library, error, refetch } = useQuery({
    queryKey: ["documents", "beginning"],
    queryFn: () => data(api.GET("/api/v1/documents", { params: { query: { limit: LOOKED_AT, status: "ready" } } })),
  });
  const { data: suggested, isPending } = useQuery({
    queryKey: ["documents", "suggestions", i18n.language],
    enabled: library !== undefined && library.pagination.total > 0,
    queryFn: () => data(api.GET("/api/v1/query/suggestions", { params: { query: { language: language() } } })),
  });
  if (error !== null) return <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />;
  if (library === undefined) return <div className="skeleton mt-8 h-40" />;
  const names = new Set(library.data.map((document) => document.filename));
  const hasSamples = SAMPLES.every((name) => names.has(name));
  const total = library.pagination.total;
  const isOwn = total > 0 && !(hasSamples && total <= SAMPLE_COUNT);
  const own = isOwn ? (suggested?.suggestions ?? []) : [];
  return (
    <div className="mt-9 space-y-9">
      {isOwn && isPending ? (
        <div className="skeleton h-40" />
      ) : own.length > 0 ? (
        <Suggestions heading={t("begin.fromDocuments")} all={own} onAsk={onAsk} />
      ) : (
        hasSamples && <Suggestions heading={t("begin.examples")} all={EXAMPLES} onAsk={onAsk} />
      )}
      <section>
        <h2 className="mb-3 text-sm font-semibold text-soft">
          {total === 0 ? t("begin.empty") : t("begin.documents", { count: total })}
        </h2>
        <DropZone />
        <UploadList />
      </section>
    </div>
  );
}

interface SuggestionsProps {
  heading: string;
  all: readonly Suggestion[];
  onAsk: (question: string) => void;
}

/** Questions that are asked with a click, each in its own language. */
function Suggestions({ heading, all, onAsk }: SuggestionsProps) {
  return (
    <section>
      <h2 className="mb-3 text-sm font-semibold text-soft">{heading}</h2>
      <ul className="grid gap-2.5 sm:grid-cols-2">
        {all.map(({ language: spoken, question, title }) => (
          <li key={question}>
            <button
              type="button"
              lang={spoken}
              className="h-full w-full rounded-xl border border-line bg-sheet px-4 py-3 text-start font-serif leading-snug wrap-anywhere hover:border-accent"
              onClick={() => onAsk(question)}
            >
              {question}
              {title !== undefined && <span className="mt-1 block font-sans text-sm text-soft">{title}</span>}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
