import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Document } from "~/api/schemas";
import { Dialog } from "~/ui/dialog";
import { ChoiceField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { notify } from "~/ui/notices";
import { useAdvice } from "~/ui/problem-note";

import { canBeReadAgain, folderOf, forEach, pathIn, remove, setLevel, setMetadata, type Action } from "./bulk";
import { labelsOf } from "./labels";
import { LEVEL_KEYS, LEVELS } from "./names";

type Asking = "move" | "level" | "label";

interface Props {
  chosen: readonly Document[];
  folder: string;
  onClear: () => void;
}

/** Actions on the chosen documents at once; each of them can be undone. */
export function BulkBar({ chosen, folder, onClear }: Props) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const advice = useAdvice();
  const [asking, setAsking] = useState<Asking | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const failed = chosen.filter(canBeReadAgain);

  async function work(documents: readonly Document[], act: Action["act"]): Promise<Document[]> {
    setIsBusy(true);
    const outcome = await forEach(documents, act);
    setIsBusy(false);
    await queries.invalidateQueries({ queryKey: ["documents"] });
    if (outcome.problem !== null) notify(t("bulk.failed", { count: outcome.failed, why: advice(outcome.problem) }));
    return outcome.done;
  }

  async function run({ act, undo }: Action): Promise<void> {
    setAsking(null);
    const done = await work(chosen, act);
    if (done.length === 0) return;
    onClear();
    // Of several that failed the notice stays: what was done can be undone document by document.
    if (done.length === chosen.length) notify(t("bulk.done", { count: done.length }), () => void work(done, undo));
  }

  async function readAgain(): Promise<void> {
    const done = await work(failed, async (document) => {
      const [job] = (await data(api.GET("/api/v1/jobs", { params: { query: { document_id: document.id, limit: 1 } } }))).data;
      if (job !== undefined) await api.POST("/api/v1/jobs/{job_id}/retry", { params: { path: { job_id: job.id } } });
    });
    if (done.length === failed.length) onClear();
  }

  return (
    <div role="group" aria-label={t("bulk.label")} className="sticky top-16 z-10 mb-3 flex flex-wrap items-center gap-2 rounded-xl border border-accent bg-sheet px-3 py-2 shadow-md" aria-busy={isBusy}>
      <span role="status" className="me-2 font-semibold">{t("bulk.chosen", { count: chosen.length })}</span>
      <button type="button" className="button button-line text-sm" disabled={isBusy} onClick={() => setAsking("move")}>{t("bulk.move")}</button>
      <button type="button" className="button button-line text-sm" disabled={isBusy} onClick={() => setAsking("level")}>{t("level.heading")}</button>
      <button type="button" className="button button-line text-sm" disabled={isBusy} onClick={() => setAsking("label")}>{t("bulk.addLabel")}</button>
      {failed.length > 0 && <button type="button" className="button button-line text-sm" disabled={isBusy} onClick={() => void readAgain()}>{t("bulk.again", { count: failed.length })}</button>}
      <button type="button" className="button button-line text-sm text-bad" disabled={isBusy} onClick={() => void run(remove)}>{t("bulk.delete")}</button>
      <button type="button" className="button button-bare text-sm" onClick={onClear}>{t("bulk.none")}</button>
      {asking === "move" && <Move folder={folder} onMove={(to) => void run(setMetadata((document) => ({ path: pathIn(to, document) })))} onClose={() => setAsking(null)} />}
      {asking === "level" && <Level onSet={(level) => void run(setLevel(level))} onClose={() => setAsking(null)} />}
      {asking === "label" && (
        <Label onAdd={(label) => void run(setMetadata((document) => ({ labels: [...new Set([...labelsOf(document), label])] })))} onClose={() => setAsking(null)} />
      )}
    </div>
  );
}

function Move({ folder, onMove, onClose }: { folder: string; onMove: (folder: string) => void; onClose: () => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(folder);
  return (
    <Dialog heading={t("bulk.moveTo")} onClose={onClose}>
      <Form action={t("bulk.move")} onSend={() => Promise.resolve(onMove(folderOf(typed)))}>
        <TextField label={t("bulk.folder")} hint={t("bulk.folderHint")} value={typed} onChange={setTyped} isOptional maxLength={500} autoFocus />
      </Form>
    </Dialog>
  );
}

function Level({ onSet, onClose }: { onSet: (level: string) => void; onClose: () => void }) {
  const { t } = useTranslation();
  const [level, setChosen] = useState<(typeof LEVEL_KEYS)[number]>("internal");
  return (
    <Dialog heading={t("level.heading")} onClose={onClose}>
      <Form action={t("bulk.setLevel")} onSend={() => Promise.resolve(onSet(level))}>
        <ChoiceField label={t("level.heading")} value={level} onChange={setChosen} options={LEVEL_KEYS.map((value) => ({ value, name: t(LEVELS[value] as "level.public") }))} />
      </Form>
    </Dialog>
  );
}

function Label({ onAdd, onClose }: { onAdd: (label: string) => void; onClose: () => void }) {
  const { t } = useTranslation();
  const [label, setLabel] = useState("");
  return (
    <Dialog heading={t("bulk.addLabel")} onClose={onClose}>
      <Form action={t("bulk.addLabel")} onSend={() => Promise.resolve(onAdd(label.trim()))} isDisabled={label.trim() === ""}>
        <TextField label={t("filters.label")} value={label} onChange={setLabel} maxLength={100} autoFocus />
      </Form>
    </Dialog>
  );
}
