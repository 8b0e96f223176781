import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useEffect, useEffectEvent, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Document } from "~/api/schemas";
import { moment, size } from "~/kit/format";
import { Reader } from "~/reader/reader";
import type { Target } from "~/reader/target";
import { DocumentAccess } from "~/sharing/document-access";
import { useAttempt } from "~/ui/attempt";
import { Failure } from "~/ui/failure";
import { Trash } from "~/ui/icons";
import { notify } from "~/ui/notices";
import { Badge, Page, Views } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { Activity } from "./activity";
import { LEVELS, STATUS_NAMES, statusTone } from "./names";
import { Properties } from "./properties";
import { beginningOf, targetOfPassage } from "./targets";
import { Versions } from "./versions";
import { Resembling } from "./resembling";
import type { DocumentView } from "./views";
import { documentKey, useWatched } from "./watching";

/** A document: its versions, who may read it, what is known of it, what happened to it. */
export function DocumentPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { documentId = "" } = useParams({ strict: false });
  const { view = "versions" } = useSearch({ strict: false });
  const [target, setTarget] = useState<Target | null>(null);
  useLinked(documentId, setTarget);
  useWatched(documentId);
  const { data: document, error, refetch } = useQuery({
    queryKey: documentKey(documentId),
    queryFn: () => data(api.GET("/api/v1/documents/{document_id}", { params: { path: { document_id: documentId } } })),
    refetchInterval: ({ state }) => (["queued", "processing"].includes(state.data?.status ?? "") ? 2_000 : false),
  });
  const back = <Link to="/documents" className="text-accent underline underline-offset-4">{t("document.all")}</Link>;
  if (document === undefined) {
    return (
      <Page heading={t("nav.documents")} above={back}>
        {error === null ? <div className="skeleton h-64" /> : <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      </Page>
    );
  }
  const views: { key: DocumentView; name: string }[] = [
    { key: "versions", name: t("document.versions") },
    { key: "access", name: t("document.access") },
    { key: "properties", name: t("document.properties") },
    { key: "activity", name: t("document.activity") },
  ];
  return (
    <div className={target === null ? "" : "lg:grid lg:grid-cols-[minmax(22rem,1fr)_minmax(26rem,1.15fr)]"}>
      <div className={`min-w-0 ${target === null ? "" : "max-lg:invisible"}`}>
        <Page
          heading={document.title}
          above={back}
          intro={<Facts document={document} />}
          actions={<Actions document={document} onOpen={setTarget} />}
        >
          {/* The version that failed says so itself. */}
          {document.error !== null && view !== "versions" && <Failure code={document.error["code"]} detail={document.error["detail"] ?? ""} filename={document.filename} className="mb-4" />}
          <Views
            label={t("document.views")}
            views={views}
            current={view}
            onChoose={(next) => void navigate({ to: "/documents/$documentId", params: { documentId }, search: { view: next }, replace: true })}
          />
          {view === "versions" && (
            <>
              {document.active_version !== null && <Resembling documentId={document.id} version={document.active_version} />}
              <Versions document={document} onOpen={setTarget} />
              <Attachments document={document} />
            </>
          )}
          {view === "access" && <DocumentAccess document={document} />}
          {view === "properties" && <Properties key={document.updated_at} document={document} />}
          {view === "activity" && <Activity document={document} />}
        </Page>
      </div>
      {target !== null && <Reader target={target} onClose={() => setTarget(null)} />}
    </div>
  );
}

/** Opens the passage that the address names, once. */
function useLinked(documentId: string, onOpen: (target: Target) => void): void {
  const { version, start, end, page } = useSearch({ strict: false });
  const isLinked = version !== undefined && start !== undefined && end !== undefined;
  const { data: target } = useQuery({
    queryKey: ["documents", "passage", documentId, version, start, end],
    enabled: isLinked,
    queryFn: async () => {
      const passage = { version: version ?? 1, start: start ?? 0, end: end ?? 1, ...(page === undefined ? {} : { page }) };
      const params = { path: { document_id: documentId } };
      const [document, content] = await Promise.all([
        data(api.GET("/api/v1/documents/{document_id}", { params })),
        data(api.GET("/api/v1/documents/{document_id}/content", { params: { ...params, query: { version: passage.version, start: passage.start, end: passage.end } } })),
      ]);
      return targetOfPassage(document, passage, content.text);
    },
  });
  const open = useEffectEvent(onOpen);
  useEffect(() => {
    if (target !== undefined) open(target);
  }, [target]);
}

/** The files that came attached to a mail or PDF, and for one of them where it came from. */
function Attachments({ document }: { document: Document }) {
  const { t } = useTranslation();
  const { data: list } = useQuery({
    queryKey: ["documents", "attachments", document.id],
    queryFn: ({ signal }) => data(api.GET("/api/v1/documents", { params: { query: { attached_to: document.id, limit: 100 } }, signal })),
  });
  const all = list?.data ?? [];
  if (all.length === 0 && document.attached_to === null) return null;
  return (
    <section className="mt-8">
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("document.attachments")}</h2>
      {document.attached_to !== null && (
        <Link to="/documents/$documentId" params={{ documentId: document.attached_to }} className="text-accent underline underline-offset-4">{t("document.attachedTo")}</Link>
      )}
      <ul className="divide-y divide-line">
        {all.map((each) => (
          <li key={each.id} className="py-2">
            <Link to="/documents/$documentId" params={{ documentId: each.id }} className="font-medium wrap-anywhere underline-offset-4 hover:underline">{each.title}</Link>
            <p className="text-sm text-soft wrap-anywhere">{[each.filename, size(each.size_bytes)].join(" · ")}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Facts({ document }: { document: Document }) {
  const { t } = useTranslation();
  const level = LEVELS[document.access_level as keyof typeof LEVELS];
  const facts = [
    document.filename,
    size(document.size_bytes),
    document.pages === null ? null : t("documents.pages", { count: document.pages }),
    t("document.passages", { count: document.chunks }),
    moment(document.updated_at),
  ];
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1.5 text-sm">
      <Badge tone={statusTone(document.status)}>{t((STATUS_NAMES[document.status] ?? "documents.queued") as "documents.ready")}</Badge>
      <Badge>{level === undefined ? document.access_level : t(level as "level.public")}</Badge>
      <span className="wrap-anywhere">{facts.filter((fact) => fact !== null).join(" · ")}</span>
    </span>
  );
}

function Actions({ document, onOpen }: { document: Document; onOpen: (target: Target) => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const path = { document_id: document.id };
  const active = document.active_version;

  async function remove(): Promise<void> {
    const isGone = await attempt(() => api.DELETE("/api/v1/documents/{document_id}", { params: { path } }));
    if (!isGone) return;
    await navigate({ to: "/documents" });
    await queries.invalidateQueries({ queryKey: ["documents"] });
    notify(t("documents.deleted", { title: document.title }), () => {
      void attempt(() => api.POST("/api/v1/documents/{document_id}/restore", { params: { path } }))
        .then(() => queries.invalidateQueries({ queryKey: ["documents"] }));
    });
  }

  return (
    <>
      {active !== null && (
        <button type="button" className="button button-main" onClick={() => onOpen(beginningOf(document, active))}>{t("document.read")}</button>
      )}
      <button type="button" className="button button-line" onClick={() => void remove()}>
        <Trash />
        {t("document.delete")}
      </button>
    </>
  );
}
