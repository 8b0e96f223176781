import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Document } from "~/api/schemas";
import { day, size } from "~/kit/format";
import type { Target } from "~/reader/target";
import { Failure } from "~/ui/failure";
import { Trash } from "~/ui/icons";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";
import { useAdvice } from "~/ui/problem-note";
import { Warnings } from "~/ui/warnings";

import type { Column } from "./columns";
import { canBeReadAgain } from "./bulk";
import { labelsOf } from "./labels";
import { LEVELS, STATUS_NAMES, statusTone } from "./names";
import { beginningOf } from "./targets";

interface Props {
  document: Document;
  columns: readonly Column[];
  isChosen: boolean;
  onChoose: (isChosen: boolean) => void;
  onOpen: (target: Target) => void;
}

/** A document of the list: what is known of it, and what can be done with it. */
export function DocumentRow({ document, columns, isChosen, onChoose, onOpen }: Props) {
  const { t } = useTranslation();
  const active = document.active_version;
  const status = STATUS_NAMES[document.status];
  const facts = useFacts(document).filter(({ column }) => columns.includes(column));
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-1 py-3">
      <input
        type="checkbox"
        className="mt-0.5 size-5 shrink-0 accent-accent"
        aria-label={t("bulk.choose", { title: document.title })}
        checked={isChosen}
        onChange={(event) => onChoose(event.target.checked)}
      />
      <div className="min-w-0 grow basis-48">
        {active === null ? (
          <p className="font-medium wrap-anywhere">{document.title}</p>
        ) : (
          <button
            type="button"
            className="text-start font-medium wrap-anywhere underline-offset-4 hover:underline"
            onClick={() => onOpen(beginningOf(document, active))}
          >
            {document.title}
          </button>
        )}
        <p className="text-sm text-soft wrap-anywhere">{facts.map(({ text }) => text).join(" · ")}</p>
        {columns.includes("labels") && <Labels document={document} />}
        {document.error !== null && <Failure code={document.error["code"]} detail={document.error["detail"] ?? ""} filename={document.filename} />}
        <Warnings warnings={document.warnings} />
      </div>
      <div className="ms-auto flex shrink-0 items-center gap-x-2">
        {document.status !== "ready" && status !== undefined && (
          <Badge tone={statusTone(document.status)}>{t(status as "documents.ready")}</Badge>
        )}
        <Link to="/documents/$documentId" params={{ documentId: document.id }} className="button button-bare text-sm" aria-label={t("documents.detailsOf", { title: document.title })}>
          {t("documents.details")}
        </Link>
        <Actions document={document} />
      </div>
    </li>
  );
}

function useFacts(document: Document): { column: Column; text: string }[] {
  const { t } = useTranslation();
  const level = LEVELS[document.access_level as keyof typeof LEVELS];
  const path = document.metadata["path"];
  const facts: [Column, string | null][] = [
    ["file", document.filename === document.title ? null : document.filename],
    ["folder", typeof path === "string" && path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : null],
    ["size", size(document.size_bytes)],
    ["pages", document.pages === null ? null : t("documents.pages", { count: document.pages })],
    ["passages", t("document.passages", { count: document.chunks })],
    ["version", t("place.version", { version: document.version })],
    ["level", level === undefined ? null : t(level as "level.public")],
    ["changed", day(document.updated_at)],
  ];
  return facts.flatMap(([column, text]) => (text === null ? [] : [{ column, text }]));
}

function Labels({ document }: { document: Document }) {
  const labels = labelsOf(document);
  if (labels.length === 0) return null;
  return (
    <p className="mt-1 flex flex-wrap gap-1.5">
      {labels.map((label) => <Badge key={label}>{label}</Badge>)}
    </p>
  );
}

function Actions({ document }: { document: Document }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const advice = useAdvice();
  const path = { document_id: document.id };

  const refresh = () => queries.invalidateQueries({ queryKey: ["documents"] });

  async function attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      notify(advice(asProblem(error)));
      return false;
    } finally {
      await refresh();
    }
  }

  async function remove(): Promise<void> {
    const isGone = await attempt(() => api.DELETE("/api/v1/documents/{document_id}", { params: { path } }));
    if (!isGone) return;
    notify(t("documents.deleted", { title: document.title }), () => {
      void attempt(() => api.POST("/api/v1/documents/{document_id}/restore", { params: { path } }));
    });
  }

  async function retry(): Promise<void> {
    await attempt(async () => {
      const query = { document_id: document.id, limit: 1 };
      const [job] = (await data(api.GET("/api/v1/jobs", { params: { query } }))).data;
      if (job === undefined) return;
      await api.POST("/api/v1/jobs/{job_id}/retry", { params: { path: { job_id: job.id } } });
    });
  }

  const label = t("documents.delete", { title: document.title });
  return (
    <div className="flex shrink-0">
      {canBeReadAgain(document) && (
        <button type="button" className="button button-line" onClick={() => void retry()}>
          {t("action.retry")}
        </button>
      )}
      <button type="button" className="button button-bare" aria-label={label} title={label} onClick={() => void remove()}>
        <Trash />
      </button>
    </div>
  );
}
