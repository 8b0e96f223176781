import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { problemOf } from "~/api/problem";
import type { Document, Version } from "~/api/schemas";
import { moment, size } from "~/kit/format";
import type { Target } from "~/reader/target";
import { authorisedFetch } from "~/session/session";
import { useAttempt } from "~/ui/attempt";
import { Failure } from "~/ui/failure";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";

import { STATUS_NAMES, statusTone } from "./names";
import { beginningOf } from "./targets";
import { VersionDiff } from "./version-diff";

const HAD_TEXT = ["ready", "superseded"];

interface Props {
  document: Document;
  onOpen: (target: Target) => void;
}

/** The versions, newest first; each can be read, compared with the one before, and answer again. */
export function Versions({ document, onOpen }: Props) {
  const [compared, setCompared] = useState<{ from: number; to: number } | null>(null);
  const path = { document_id: document.id };
  return (
    <>
      {document.attached_to === null && <NewVersion document={document} />}
      {compared !== null && (
        <Comparison document={document} compared={compared} onChange={setCompared} />
      )}
      <Listing
        queryKey={["documents", "versions", document.id]}
        read={async (query, signal) => {
          const page = await data(api.GET("/api/v1/documents/{document_id}/versions", { params: { path, query }, signal }));
          return { ...page, data: page.data.map((each) => ({ ...each, id: String(each.number) })) };
        }}
        isMoving={(each) => each.status === "queued" || each.status === "processing"}
        row={(version) => (
          <Row document={document} version={version} onOpen={onOpen} onCompare={(from) => setCompared({ from, to: version.number })} />
        )}
        empty={null}
      />
    </>
  );
}

/** Takes a file as the document's next version, whatever the file is called. */
function NewVersion({ document }: { document: Document }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const [isSending, setIsSending] = useState(false);

  async function send(file: File): Promise<void> {
    setIsSending(true);
    const isTaken = await attempt(async () => {
      const form = new FormData();
      form.append("file", file, file.name);
      const address = new URL(`/api/v1/documents/${document.id}/file`, location.origin);
      const reply = await authorisedFetch(new Request(address, { method: "PUT", body: form }));
      if (!reply.ok) throw await problemOf(reply);
      const { documents } = (await reply.json()) as { documents: { version: number }[] };
      const made = documents[0]?.version ?? 0;
      notify(made === document.version ? t("version.same") : t("version.taken", { version: made }));
    });
    setIsSending(false);
    if (isTaken) await queries.invalidateQueries({ queryKey: ["documents"] });
  }

  return (
    <div className="mb-4">
      <button type="button" className="button button-line" disabled={isSending} onClick={() => input.current?.click()}>
        {t(isSending ? "version.sending" : "version.new")}
      </button>
      <input
        ref={input} type="file" className="sr-only" tabIndex={-1} aria-label={t("version.new")}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = "";
          if (file !== undefined) void send(file);
        }}
      />
    </div>
  );
}

function Row({ document, version, onOpen, onCompare }: Props & { version: Version; onCompare: (from: number) => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const { number } = version;
  const hasText = HAD_TEXT.includes(version.status);

  async function answerAgain(to: number): Promise<boolean> {
    const isDone = await attempt(() =>
      api.POST("/api/v1/documents/{document_id}/rollback", { params: { path: { document_id: document.id } }, body: { version: to } }),
    );
    await queries.invalidateQueries({ queryKey: ["documents"] });
    return isDone;
  }

  async function rollBack(): Promise<void> {
    const before = document.active_version;
    if (!(await answerAgain(number))) return;
    notify(t("version.answersNow", { version: number }), before === null ? undefined : () => void answerAgain(before));
  }

  const facts = [
    moment(version.created_at),
    size(version.size_bytes),
    version.pages === null ? null : t("documents.pages", { count: version.pages }),
    t("document.passages", { count: version.chunks }),
    t("version.embedded", { count: version.embedded }),
  ];
  return (
    <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          {t("version.number", { version: number })}
          {version.is_active ? (
            <Badge tone="good">{t("version.answers")}</Badge>
          ) : (
            <Badge tone={statusTone(version.status)}>{t((STATUS_NAMES[version.status] ?? "documents.queued") as "documents.ready")}</Badge>
          )}
        </p>
        <p className="text-sm text-soft wrap-anywhere">{facts.filter((fact) => fact !== null).join(" · ")}</p>
        {version.error !== null && <Failure code={version.error["code"]} detail={version.error["detail"] ?? ""} filename={document.filename} />}
      </div>
      {hasText && (
        <div className="flex flex-wrap gap-2">
          <button type="button" className="button button-bare text-sm" onClick={() => onOpen(beginningOf(document, number))}>{t("document.read")}</button>
          {number > 1 && (
            <button type="button" className="button button-bare text-sm" onClick={() => onCompare(number - 1)}>{t("version.compare", { version: number - 1 })}</button>
          )}
          {!version.is_active && (
            <button type="button" className="button button-line text-sm" onClick={() => void rollBack()}>{t("version.rollback")}</button>
          )}
        </div>
      )}
    </div>
  );
}

interface ComparisonProps {
  document: Document;
  compared: { from: number; to: number };
  onChange: (compared: { from: number; to: number } | null) => void;
}

function Comparison({ document, compared, onChange }: ComparisonProps) {
  const { t } = useTranslation();
  const numbers = Array.from({ length: document.version }, (_, at) => at + 1);
  const choose = (side: "from" | "to", value: string) => onChange({ ...compared, [side]: Number(value) });
  return (
    <section className="mb-7" aria-label={t("diff.heading")}>
      <div className="mb-3 flex flex-wrap items-center gap-3">
        <h2 className="font-serif text-xl font-semibold">{t("diff.heading")}</h2>
        {(["from", "to"] as const).map((side) => (
          <select key={side} className="field w-auto py-1" aria-label={t(side === "from" ? "diff.from" : "diff.to")} value={compared[side]} onChange={(event) => choose(side, event.target.value)}>
            {numbers.map((number) => (
              <option key={number} value={number}>{t("version.number", { version: number })}</option>
            ))}
          </select>
        ))}
        <button type="button" className="button button-bare text-sm" onClick={() => onChange(null)}>{t("action.close")}</button>
      </div>
      {compared.from === compared.to ? (
        <p className="text-soft">{t("diff.choose")}</p>
      ) : (
        <VersionDiff documentId={document.id} {...compared} />
      )}
    </section>
  );
}
