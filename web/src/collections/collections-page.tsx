import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { problemOf } from "~/api/problem";
import type { Collection, CollectionListed, Retention } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { moment } from "~/kit/format";
import { saveOriginal } from "~/reader/original";
import { authorisedFetch } from "~/session/session";
import { useRights } from "~/session/rights";
import { Grants } from "~/sharing/grants";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { CheckField, ChoiceField, Field, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Page } from "~/ui/page";

const STRATEGIES = {
  structure: "cut.structure",
  sentence: "cut.sentence",
  fixed: "cut.fixed",
  semantic: "cut.semantic",
  legal_vi: "cut.legal",
} as const satisfies Record<string, Key>;

type Open = { kind: "new" } | { kind: "import" } | { kind: "edit" | "share" | "export"; collection: Collection };

/** The collections with their settings. */
export function CollectionsPage() {
  const { t } = useTranslation();
  const { isAdmin, isAtLeast } = useRights();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const mayMove = isAdmin && isAtLeast("director");
  return (
    <Page
      heading={t("collections.heading")}
      intro={t("collections.intro")}
      above={<Link to="/documents" className="text-accent underline underline-offset-4">{t("document.all")}</Link>}
      actions={
        <>
          {mayMove && <button type="button" className="button button-line" onClick={() => setOpen({ kind: "import" })}>{t("collections.import")}</button>}
          <button type="button" className="button button-main" onClick={() => setOpen({ kind: "new" })}>
            <Plus />
            {t("collections.new")}
          </button>
        </>
      }
    >
      <Listing
        queryKey={["collections", "list"]}
        read={(query, signal) => data(api.GET("/api/v1/collections", { params: { query }, signal }))}
        empty={t("collections.empty")}
        row={(collection) => <Row collection={collection} mayExport={mayMove} onOpen={setOpen} />}
      />
      {open?.kind === "new" && <Editor collection={null} onClose={close} />}
      {open?.kind === "edit" && <Editor collection={open.collection} onClose={close} />}
      {open?.kind === "share" && (
        <Dialog heading={t("collections.shareOf", { name: open.collection.name })} onClose={close}>
          <p className="mb-3 text-sm text-soft">{t("collections.shareHint")}</p>
          <Grants of="collection" id={open.collection.id} />
        </Dialog>
      )}
      {open?.kind === "export" && <Exporting collection={open.collection} onClose={close} />}
      {open?.kind === "import" && <Importing onClose={close} />}
    </Page>
  );
}

function Row({ collection, mayExport, onOpen }: { collection: CollectionListed; mayExport: boolean; onOpen: (open: Open) => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const strategy = STRATEGIES[collection.chunk_strategy as keyof typeof STRATEGIES];
  const { isAdmin } = useRights();
  // Administrators see every collection; of a private one they count only what a grant lets them read.
  const mayHold = isAdmin && collection.visibility === "private" && collection.documents === 0;

  async function remove(): Promise<void> {
    const params = { path: { collection_id: collection.id } };
    if (await attempt(() => api.DELETE("/api/v1/collections/{collection_id}", { params }))) notify(t("collections.deleted", { name: collection.name }));
    await queries.invalidateQueries({ queryKey: ["collections"] });
  }

  return (
    <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
      <div className="min-w-0">
        <p className="font-medium wrap-anywhere">
          <Link to="/documents" search={{ collection: collection.id }} className="underline-offset-4 hover:underline">{collection.name}</Link>
        </p>
        {collection.description !== "" && <p className="wrap-anywhere">{collection.description}</p>}
        <p className="text-sm text-soft">
          {mayHold ? t("collections.noneShown") : t("documents.count", { count: collection.documents })} · {collection.visibility === "private" && <>{t("collections.isPrivate")} · </>}
          {strategy === undefined ? collection.chunk_strategy : t(strategy as "cut.fixed")} · {t("collections.sizes", { size: collection.chunk_size, overlap: collection.chunk_overlap })}
          {collection.keep_days != null && <> · {t("collections.keeps", { count: collection.keep_days })}</>}
        </p>
      </div>
      <div className="flex flex-wrap gap-1">
        <button type="button" className="button button-bare text-sm" onClick={() => onOpen({ kind: "edit", collection })}>{t("collections.settings")}</button>
        <button type="button" className="button button-bare text-sm" onClick={() => onOpen({ kind: "share", collection })}>{t("collections.share")}</button>
        {mayExport && <button type="button" className="button button-bare text-sm" onClick={() => onOpen({ kind: "export", collection })}>{t("collections.export")}</button>}
        <button type="button" className="button button-bare text-sm" onClick={() => void remove()}>{t("document.delete")}</button>
      </div>
    </div>
  );
}

function Editor({ collection, onClose }: { collection: Collection | null; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(collection?.name ?? "");
  const [description, setDescription] = useState(collection?.description ?? "");
  const [strategy, setStrategy] = useState(collection?.chunk_strategy ?? "structure");
  const [size, setSize] = useState(String(collection?.chunk_size ?? 200));
  const [overlap, setOverlap] = useState(String(collection?.chunk_overlap ?? 0));
  const wasPrivate = collection?.visibility === "private";
  const [isPrivate, setPrivate] = useState(wasPrivate);
  const { isAdmin } = useRights();
  const kept = String(collection?.keep_days ?? "");
  const [keep, setKeep] = useState(kept);

  async function save(): Promise<void> {
    const body = { name: name.trim(), description, chunk_strategy: strategy, chunk_size: Number(size), chunk_overlap: Number(overlap) };
    // Only administrators change these, so they are not sent along with other changes.
    const rule = keep === kept ? {} : { keep_days: keep === "" ? null : Number(keep) };
    const shown = isPrivate === wasPrivate ? {} : { visibility: isPrivate ? "private" as const : "open" as const };
    await (collection === null
      ? api.POST("/api/v1/collections", { body: { ...body, ...shown, ...rule } })
      : api.PATCH("/api/v1/collections/{collection_id}", { params: { path: { collection_id: collection.id } }, body: { ...body, ...shown, ...rule } }));
    await queries.invalidateQueries({ queryKey: ["collections"] });
    notify(t("action.saved"));
    onClose();
  }

  return (
    <Dialog heading={collection === null ? t("collections.new") : collection.name} onClose={onClose}>
      <Form action={t("action.save")} onSend={save}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <TextField label={t("field.description")} value={description} onChange={setDescription} isOptional rows={2} />
        <CheckField label={t("collections.private")} isOn={isPrivate} onChange={setPrivate} />
        <ChoiceField label={t("collections.cut")} hint={t("collections.cutHint")} value={strategy} onChange={setStrategy} options={Object.entries(STRATEGIES).map(([value, key]) => ({ value, name: t(key as "cut.fixed") }))} />
        <div className="grid gap-4 sm:grid-cols-2">
          <TextField label={t("collections.size")} type="number" min={32} max={2000} value={size} onChange={setSize} />
          <TextField label={t("collections.overlap")} type="number" min={0} max={1000} value={overlap} onChange={setOverlap} />
        </div>
        {isAdmin && <TextField label={t("collections.keep")} hint={t("collections.keepHint")} type="number" min={1} max={36500} isOptional value={keep} onChange={setKeep} />}
        {isAdmin && collection !== null && Number(keep) >= 1 && <WouldGo key={keep} collectionId={collection.id} days={Number(keep)} />}
      </Form>
    </Dialog>
  );
}

/** Shows what has come below the end of what is seen of a dialog. */
const intoView = (shown: HTMLElement | null) => shown?.scrollIntoView({ block: "nearest" });

/** The documents that a rule would delete, asked for by a button. */
function WouldGo({ collectionId, days }: { collectionId: string; days: number }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const [found, setFound] = useState<Retention | null>(null);
  async function look(): Promise<void> {
    const params = { path: { collection_id: collectionId }, query: { keep_days: days } };
    await attempt(async () => setFound(await data(api.GET("/api/v1/collections/{collection_id}/retention", { params }))));
  }
  return (
    <div>
      <button type="button" className="button button-line text-sm" onClick={() => void look()}>{t("collections.wouldGo")}</button>
      <div role="status">
        {found !== null && (
          <>
            <p ref={intoView} className="mt-2">{found.total === 0 ? t("collections.wouldGoNothing") : t(found.is_final ? "collections.wouldGoFinal" : "collections.wouldGoCount", { count: found.total })}</p>
            {found.documents.length < found.total && <p className="mt-1 text-sm">{t("collections.wouldGoListed", { count: found.documents.length })}</p>}
            <ul className="mt-1 max-h-40 overflow-y-auto text-sm text-soft">
              {found.documents.map((each) => <li key={each.id} className="wrap-anywhere">{each.title} · {moment(each.since)}</li>)}
            </ul>
          </>
        )}
      </div>
    </div>
  );
}

function Exporting({ collection, onClose }: { collection: Collection; onClose: () => void }) {
  const { t } = useTranslation();
  const [passphrase, setPassphrase] = useState("");
  async function save(): Promise<void> {
    const address = new URL(`/api/v1/collections/${collection.id}/export`, location.origin);
    const headers = { "Content-Type": "application/json" };
    const reply = await authorisedFetch(new Request(address, { method: "POST", headers, body: JSON.stringify({ passphrase }) }));
    if (!reply.ok) throw await problemOf(reply);
    saveOriginal(await reply.blob(), `${collection.name}.citewell`);
    onClose();
  }
  return (
    <Dialog heading={t("collections.exportOf", { name: collection.name })} onClose={onClose}>
      <Form action={t("collections.export")} onSend={save} isDisabled={passphrase.length < 12}>
        <TextField label={t("collections.passphrase")} hint={t("collections.passphraseHint")} type="password" autoComplete="new-password" value={passphrase} onChange={setPassphrase} />
      </Form>
    </Dialog>
  );
}

interface Imported {
  name: string;
  documents?: number;
}

function Importing({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [passphrase, setPassphrase] = useState("");
  const [name, setName] = useState("");
  async function send(): Promise<void> {
    if (file === null) return;
    const form = new FormData();
    form.append("file", file);
    form.append("passphrase", passphrase);
    if (name.trim() !== "") form.append("name", name.trim());
    const reply = await authorisedFetch(new Request(new URL("/api/v1/collections/import", location.origin), { method: "POST", body: form }));
    if (!reply.ok) throw await problemOf(reply);
    const report = (await reply.json()) as Imported;
    notify(t("collections.imported", { name: report.name, count: report.documents ?? 0 }));
    await queries.invalidateQueries({ queryKey: ["collections"] });
    await queries.invalidateQueries({ queryKey: ["documents"] });
    onClose();
  }
  return (
    <Dialog heading={t("collections.import")} onClose={onClose}>
      <Form action={t("collections.import")} onSend={send} isDisabled={file === null}>
        <Field label={t("collections.file")}>
          {(attributes) => <input {...attributes} type="file" className="field" required onChange={(event) => setFile(event.target.files?.[0] ?? null)} />}
        </Field>
        <TextField label={t("collections.passphrase")} type="password" value={passphrase} onChange={setPassphrase} />
        <TextField label={t("collections.newName")} value={name} onChange={setName} isOptional maxLength={200} />
      </Form>
    </Dialog>
  );
}
