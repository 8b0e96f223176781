import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";

/** Folders that are shown at once; the others are found by typing. */
const MOST = 100;

interface Props {
  collectionId: string;
  /** The open one; "" for all documents. */
  folder: string;
  onOpen: (folder: string) => void;
}

/** The folders that documents were uploaded in: the way to the open one, and those within it. */
export function FolderBar({ collectionId, folder, onOpen }: Props) {
  const { t } = useTranslation();
  const { data: list } = useQuery({
    queryKey: ["documents", "folders", collectionId, folder],
    queryFn: ({ signal }) => {
      const query = { limit: MOST, ...(collectionId === "" ? {} : { collection_id: collectionId }), ...(folder === "" ? {} : { folder }) };
      return data(api.GET("/api/v1/documents/folders", { params: { query }, signal }));
    },
    placeholderData: keepPreviousData,
  });
  const within = list?.data ?? [];
  if (folder === "" && within.length === 0) return null;
  const parts = folder === "" ? [] : folder.split("/");
  return (
    <nav aria-label={t("folders.label")} className="mb-3 text-sm">
      {parts.length > 0 && (
        <ol className="mb-1.5 flex flex-wrap items-center gap-x-1.5">
          <li>
            <button type="button" className="text-accent underline underline-offset-4" onClick={() => onOpen("")}>{t("folders.all")}</button>
          </li>
          {parts.map((part, at) => (
            <li key={at} className="min-w-0">
              <span aria-hidden="true" className="text-soft">› </span>
              <button
                type="button"
                className="wrap-anywhere text-accent underline underline-offset-4 aria-[current=location]:font-semibold aria-[current=location]:text-ink aria-[current=location]:no-underline"
                aria-current={at === parts.length - 1 ? "location" : undefined}
                onClick={() => onOpen(parts.slice(0, at + 1).join("/"))}
              >
                {part}
              </button>
            </li>
          ))}
        </ol>
      )}
      {within.length > 0 && (
        <ul className="flex max-h-40 flex-wrap gap-1.5 overflow-auto">
          {within.map(({ name, path, documents }) => (
            <li key={path} className="min-w-0">
              <button type="button" className="rounded-md border border-line bg-sheet px-2.5 py-1 text-start wrap-anywhere hover:border-accent" onClick={() => onOpen(path)}>
                {name} <span className="text-soft tabular-nums">{documents}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </nav>
  );
}
