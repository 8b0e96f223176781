import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useDeferredValue, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Collection, Document } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { useStore } from "~/kit/store";
import { Reader } from "~/reader/reader";
import type { Target } from "~/reader/target";
import { Page } from "~/ui/page";
import { Pager } from "~/ui/pager";
import { ProblemNote } from "~/ui/problem-note";

import { BulkBar } from "./bulk-bar";
import { ColumnMenu, columns } from "./columns";
import { DocumentRow } from "./document-row";
import { DropZone } from "./drop-zone";
import { FolderBar } from "./folder-bar";
import { LEVEL_KEYS, LEVELS } from "./names";
import { UploadList } from "./upload-list";
import { place } from "./uploads";
import type { DocumentStatus } from "./views";

const ROWS = 50;
/** While something is being read in, the list is read anew so often. */
const REFRESH_MS = 2_000;

/** Kinds of files by the end of their names. */
const KINDS = ["pdf", "docx", "xlsx", "pptx", "html", "md", "txt", "csv", "eml", "msg"];

const STATUSES: Record<DocumentStatus, Key> = {
  ready: "documents.ready",
  processing: "documents.processing",
  queued: "documents.queued",
  failed: "documents.failed",
};

/** The library: what is in it, what is on its way, and where more goes. */
export function DocumentsPage() {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const [page, setPage] = useState(1);
  const [level, setLevel] = useState("");
  const [kind, setKind] = useState("");
  const [label, setLabel] = useState("");
  const [chosen, setChosen] = useState<ReadonlyMap<string, Document>>(new Map());
  const [target, setTarget] = useState<Target | null>(null);
  const shown = useStore(columns);
  const navigate = useNavigate();
  const { collection = "", folder = "", status = "" } = useSearch({ strict: false }) as { collection?: string; folder?: string; status?: DocumentStatus };
  const wanted = useDeferredValue(search.trim());
  const labelled = useDeferredValue(label.trim());
  const isFiltered = [wanted, status, collection, folder, level, kind, labelled].some((each) => each !== "");

  useEffect(() => setPage(1), [wanted, status, collection, folder, level, kind, labelled]);

  const go = (next: { collection?: string; folder?: string; status?: DocumentStatus | "" }) => {
    const named = Object.entries({ status, ...next }).filter(([, value]) => value !== "");
    void navigate({ to: "/documents", search: Object.fromEntries(named), replace: true });
  };
  const choose = (documents: readonly Document[], isChosen: boolean) => {
    const next = new Map(chosen);
    for (const each of documents) {
      if (isChosen) next.set(each.id, each);
      else next.delete(each.id);
    }
    setChosen(next);
  };

  const filters = {
    ...(wanted === "" ? {} : { search: wanted }),
    ...(collection === "" ? {} : { collection_id: collection }),
    ...(folder === "" ? {} : { folder }),
    ...(level === "" ? {} : { access_level: level }),
    ...(kind === "" ? {} : { suffix: kind }),
    ...(labelled === "" ? {} : { label: labelled }),
  };
  const { data: list, error, refetch } = useQuery({
    queryKey: ["documents", "list", wanted, status, collection, folder, level, kind, labelled, page],
    queryFn: ({ signal }) => {
      const query = { page, limit: ROWS, ...(status === "" ? {} : { status }), ...filters };
      return data(api.GET("/api/v1/documents", { params: { query }, signal }));
    },
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      state.data?.data.some((each) => each.status === "queued" || each.status === "processing")
        ? REFRESH_MS
        : false,
  });

  const total = list?.pagination.total ?? 0;
  // They are counted with the others: that some of them answer nothing is said.
  const { data: failed = 0 } = useQuery({
    queryKey: ["documents", "failed", wanted, collection, folder, level, kind, labelled, total],
    enabled: status === "" && total > 0,
    queryFn: async ({ signal }) => {
      const query = { limit: 1, status: "failed" as const, ...filters };
      return (await data(api.GET("/api/v1/documents", { params: { query }, signal }))).pagination.total;
    },
  });

  return (
    <div className={target === null ? "" : "lg:grid lg:grid-cols-[minmax(22rem,1fr)_minmax(26rem,1.15fr)]"}>
      <div className={`min-w-0 ${target === null ? "" : "max-lg:invisible"}`}>
      <Page
        heading={t("nav.documents")}
        actions={
          <>
            <Link to="/collections" className="button button-line">{t("collections.heading")}</Link>
            <Link to="/documents/trash" className="button button-line">{t("trash.heading")}</Link>
          </>
        }
      >
        <DropZone />
        <UploadPlace />
        <UploadList />
        <div className="mt-7 mb-3 grid grid-cols-2 gap-3 md:grid-cols-5">
          <input
            type="search"
            className="field col-span-full"
            aria-label={t("documents.search")}
            placeholder={t("documents.search")}
            maxLength={200}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
          <CollectionChoice
            label={t("document.collection")}
            className="max-md:col-span-full"
            none={t("ask.everywhere")}
            value={collection}
            onChoose={(id) => go(id === "" ? {} : { collection: id })}
          />
          <select
            className="field"
            aria-label={t("documents.status")}
            value={status}
            onChange={(event) => go({ collection, folder, status: event.target.value as DocumentStatus | "" })}
          >
            <option value="">{t("documents.any")}</option>
            {(Object.keys(STATUSES) as DocumentStatus[]).map((each) => (
              <option key={each} value={each}>
                {t(STATUSES[each] as "documents.ready")}
              </option>
            ))}
          </select>
          <select className="field" aria-label={t("level.heading")} value={level} onChange={(event) => setLevel(event.target.value)}>
            <option value="">{t("filters.anyLevel")}</option>
            {LEVEL_KEYS.map((each) => (
              <option key={each} value={each}>{t(LEVELS[each] as "level.public")}</option>
            ))}
          </select>
          <select className="field" aria-label={t("document.type")} value={kind} onChange={(event) => setKind(event.target.value)}>
            <option value="">{t("filters.anyType")}</option>
            {KINDS.map((each) => <option key={each} value={each}>{each.toUpperCase()}</option>)}
          </select>
          <input className="field" aria-label={t("filters.label")} placeholder={t("filters.label")} maxLength={100} value={label} onChange={(event) => setLabel(event.target.value)} />
        </div>
        <FolderBar collectionId={collection} folder={folder} onOpen={(next) => go({ ...(collection === "" ? {} : { collection }), ...(next === "" ? {} : { folder: next }) })} />
        {chosen.size > 0 && <BulkBar chosen={[...chosen.values()]} folder={folder} onClear={() => setChosen(new Map())} />}
        {error !== null && <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
        {list === undefined ? (
          error === null && <div className="skeleton h-64" />
        ) : (
          <>
            <div className="mb-2 flex flex-wrap items-center gap-x-3">
              <input
                type="checkbox"
                className="size-5 shrink-0 accent-accent"
                aria-label={t("bulk.chooseAll")}
                disabled={list.data.length === 0}
                checked={list.data.length > 0 && list.data.every(({ id }) => chosen.has(id))}
                onChange={(event) => choose(list.data, event.target.checked)}
              />
              <p role="status" className="grow text-sm text-soft">
                {list.pagination.total === 0
                  ? t(isFiltered ? "documents.none" : "begin.empty")
                  : t("documents.count", { count: list.pagination.total })}
                {status === "" && failed > 0 && `, ${t("documents.ofThemFailed", { count: failed })}`}
              </p>
              <ColumnMenu />
            </div>
            <ul className="divide-y divide-line border-y border-line">
              {list.data.map((document) => (
                <DocumentRow
                  key={document.id}
                  document={document}
                  columns={shown}
                  isChosen={chosen.has(document.id)}
                  onChoose={(isChosen) => choose([document], isChosen)}
                  onOpen={setTarget}
                />
              ))}
            </ul>
            <Pager page={page} pages={list.pagination.total_pages} onTurn={setPage} />
          </>
        )}
      </Page>
      </div>
      {target !== null && <Reader target={target} onClose={() => setTarget(null)} />}
    </div>
  );
}

/** The collection that files go into unless one is named; as the server makes it with the first of them. */
const USUAL_COLLECTION = "library";

/** Where files go and who may read them, for those dropped from now on. */
function UploadPlace() {
  const { t } = useTranslation();
  const { collectionId, level } = useStore(place);
  const usual = useCollections().find(({ name }) => name.toLowerCase() === USUAL_COLLECTION)?.name;
  return (
    <div className="mt-2 flex flex-wrap items-center gap-x-4 gap-y-2 text-sm">
      <CollectionChoice
        label={t("upload.into")}
        isNamed
        none={usual === undefined ? t("upload.default") : t("upload.defaultOf", { name: usual })}
        not={usual}
        value={collectionId ?? ""}
        onChoose={(id) => place.update((now) => ({ ...now, collectionId: id === "" ? null : id }))}
      />
      <label className="flex max-w-full min-w-0 items-center gap-2">
        <span className="shrink-0 text-soft">{t("level.heading")}</span>
        <select className="field w-auto min-w-0 py-1" value={level ?? ""} onChange={(event) => place.update((now) => ({ ...now, level: event.target.value || null }))}>
          <option value="">{t("upload.defaultLevel")}</option>
          {LEVEL_KEYS.map((each) => (
            <option key={each} value={each}>{t(LEVELS[each] as "level.public")}</option>
          ))}
        </select>
      </label>
    </div>
  );
}

interface CollectionChoiceProps {
  label: string;
  /** Whether the label stands beside it. */
  isNamed?: boolean;
  none: string;
  /** A collection that `none` stands for, which is not offered twice. */
  not?: string | undefined;
  className?: string;
  value: string;
  onChoose: (id: string) => void;
}

function useCollections(): readonly Collection[] {
  const { data: collections = [] } = useQuery({
    queryKey: ["collections"],
    queryFn: async () => (await data(api.GET("/api/v1/collections", { params: { query: { limit: 100 } } }))).data,
  });
  return collections;
}

function CollectionChoice({ label, isNamed = false, none, not, className = "", value, onChoose }: CollectionChoiceProps) {
  const collections = useCollections();
  return (
    <label className={`flex max-w-full min-w-0 items-center gap-2 ${className}`}>
      <span className={isNamed ? "text-soft" : "sr-only"}>{label}</span>
      <select className={`field min-w-0 ${isNamed ? "w-auto py-1" : ""}`} value={value} onChange={(event) => onChoose(event.target.value)}>
        <option value="">{none}</option>
        {collections.filter(({ name }) => name !== not).map((each) => (
          <option key={each.id} value={each.id}>{each.name}</option>
        ))}
      </select>
    </label>
  );
}
