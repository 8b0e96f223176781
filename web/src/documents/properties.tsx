import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Document } from "~/api/schemas";
import { TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Close, Plus } from "~/ui/icons";
import { notify } from "~/ui/notices";

import { entriesOf, metadataOf, type Entry } from "./metadata";

/** Title and metadata, which filters look at. */
export function Properties({ document }: { document: Document }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [title, setTitle] = useState(document.title);
  const [entries, setEntries] = useState<readonly Entry[]>(() => entriesOf(document.metadata));
  const { data: collection } = useQuery({
    queryKey: ["collections", "one", document.collection_id],
    queryFn: () => data(api.GET("/api/v1/collections/{collection_id}", { params: { path: { collection_id: document.collection_id } } })),
  });

  const changed = (at: number, part: Partial<Entry>) =>
    setEntries(entries.map((entry, each) => (each === at ? { ...entry, ...part } : entry)));

  async function save(): Promise<void> {
    const params = { path: { document_id: document.id } };
    const body = { title: title.trim(), metadata: metadataOf(entries, document.metadata) };
    await api.PATCH("/api/v1/documents/{document_id}", { params, body });
    notify(t("action.saved"));
    await queries.invalidateQueries({ queryKey: ["documents"] });
  }

  return (
    <div className="max-w-2xl">
      <Form action={t("action.save")} onSend={save}>
        <TextField label={t("document.title")} value={title} onChange={setTitle} maxLength={500} />
        <fieldset className="space-y-2">
          <legend className="mb-1 font-medium">{t("document.metadata")}</legend>
          <p className="text-sm text-soft">{t("document.metadataHint")}</p>
          {entries.map((entry, at) => (
            <div key={at} className="flex flex-wrap items-center gap-2">
              <input className="field min-w-0 flex-1 basis-32" aria-label={t("document.key", { number: at + 1 })} placeholder={t("document.keyName")} value={entry.key} onChange={(event) => changed(at, { key: event.target.value })} />
              <input className="field min-w-0 flex-2 basis-48" aria-label={t("document.value", { number: at + 1 })} value={entry.value} onChange={(event) => changed(at, { value: event.target.value })} />
              <button type="button" className="button button-bare px-2" aria-label={t("document.removeKey", { key: entry.key })} onClick={() => setEntries(entries.filter((_, each) => each !== at))}>
                <Close />
              </button>
            </div>
          ))}
          <button type="button" className="button button-line text-sm" onClick={() => setEntries([...entries, { key: "", value: "" }])}>
            <Plus />
            {t("document.addKey")}
          </button>
        </fieldset>
      </Form>
      <dl className="mt-7 grid grid-cols-[auto_1fr] gap-x-6 gap-y-1 text-sm">
        <dt className="text-soft">{t("document.collection")}</dt>
        <dd className="wrap-anywhere">{collection?.name ?? "…"}</dd>
        {document.source !== null && (
          <>
            <dt className="text-soft">{t("document.source")}</dt>
            <dd className="wrap-anywhere">{document.source}</dd>
          </>
        )}
        <dt className="text-soft">{t("document.type")}</dt>
        <dd className="wrap-anywhere">{document.mime_type}</dd>
      </dl>
    </div>
  );
}
