import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Case, Dataset } from "~/api/schemas";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { CheckField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge, Page, Views } from "~/ui/page";
import { ProblemNote } from "~/ui/problem-note";

import { Runs } from "./runs";
import type { SetView } from "./views";

/** An evaluation set: its questions, and its runs. */
export function SetPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { setId = "" } = useParams({ strict: false });
  const { view = "cases" } = useSearch({ strict: false }) as { view?: SetView };
  const { data: set, error, refetch } = useQuery({
    queryKey: ["datasets", "one", setId],
    queryFn: () => data(api.GET("/api/v1/evaluations/datasets/{dataset_id}", { params: { path: { dataset_id: setId } } })),
  });
  const back = <Link to="/quality" className="text-accent underline underline-offset-4">{t("quality.all")}</Link>;
  if (set === undefined) {
    return (
      <Page heading={t("nav.quality")} above={back}>
        {error === null ? <div className="skeleton h-64" /> : <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      </Page>
    );
  }
  return (
    <Page heading={set.name} above={back} intro={<span className="wrap-anywhere">{set.description}</span>}>
      <Views
        label={t("document.views")}
        views={[{ key: "cases", name: t("quality.questions") }, { key: "runs", name: t("runs.heading") }]}
        current={view}
        onChoose={(next) => void navigate({ to: "/quality/$setId", params: { setId }, search: { view: next }, replace: true })}
      />
      {view === "cases" ? <Cases set={set} /> : <Runs set={set} />}
    </Page>
  );
}

function Cases({ set }: { set: Dataset }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const [open, setOpen] = useState<"new" | "generate" | Case | null>(null);
  const refresh = () => queries.invalidateQueries({ queryKey: ["datasets"] });
  const path = (each: Case) => ({ dataset_id: set.id, case_id: each.id });

  async function accept(each: Case): Promise<void> {
    await attempt(() => api.PATCH("/api/v1/evaluations/datasets/{dataset_id}/cases/{case_id}", { params: { path: path(each) }, body: { is_reviewed: true } }));
    await refresh();
  }

  async function remove(each: Case): Promise<void> {
    const isGone = await attempt(() => api.DELETE("/api/v1/evaluations/datasets/{dataset_id}/cases/{case_id}", { params: { path: path(each) } }));
    await refresh();
    if (!isGone) return;
    const { question, gold, all, forbid, abstain, reference, document_ids, kind } = each;
    const body = { question, gold, all, forbid, abstain, document_ids, ...(reference === null ? {} : { reference }), ...(kind === null ? {} : { kind }) };
    notify(t("quality.removed"), () => void attempt(() => api.POST("/api/v1/evaluations/datasets/{dataset_id}/cases", { params: { path: { dataset_id: set.id } }, body })).then(refresh));
  }

  return (
    <>
      <div className="mb-4 flex flex-wrap gap-2">
        <button type="button" className="button button-main" onClick={() => setOpen("new")}>
          <Plus />
          {t("quality.add")}
        </button>
        <button type="button" className="button button-line" onClick={() => setOpen("generate")}>{t("quality.generate")}</button>
      </div>
      <Listing
        queryKey={["datasets", "cases", set.id]}
        read={(query, signal) => data(api.GET("/api/v1/evaluations/datasets/{dataset_id}/cases", { params: { path: { dataset_id: set.id }, query }, signal }))}
        empty={t("quality.noCases")}
        row={(each) => (
          <div className="flex flex-wrap items-start justify-between gap-3">
            <div className="min-w-0 basis-80 grow">
              <p className="font-serif text-[1.08rem] wrap-anywhere">{each.question}</p>
              <p className="text-sm text-soft wrap-anywhere"><Expected one={each} /></p>
              {!each.is_reviewed && <Badge tone="doubt">{t("quality.unreviewed")}</Badge>}
            </div>
            <div className="flex flex-wrap gap-1">
              {!each.is_reviewed && <button type="button" className="button button-line text-sm" onClick={() => void accept(each)}>{t("quality.accept")}</button>}
              <button type="button" className="button button-bare text-sm" onClick={() => setOpen(each)}>{t("users.edit")}</button>
              <button type="button" className="button button-bare text-sm" onClick={() => void remove(each)}>{t("grant.remove")}</button>
            </div>
          </div>
        )}
      />
      {open === "generate" ? (
        <Generate set={set} onClose={() => setOpen(null)} />
      ) : open !== null ? (
        <CaseEditor set={set} one={open === "new" ? null : open} onClose={() => setOpen(null)} />
      ) : null}
    </>
  );
}

function Expected({ one }: { one: Case }) {
  const { t } = useTranslation();
  const parts = [
    one.abstain ? t("quality.abstain") : null,
    one.gold.length > 0 ? t("quality.anyOf", { words: one.gold.join(" | ") }) : null,
    one.all.length > 0 ? t("quality.allOf", { words: one.all.join(", ") }) : null,
    one.forbid.length > 0 ? t("quality.noneOf", { words: one.forbid.join(", ") }) : null,
    one.reference,
  ];
  return <>{parts.filter((part) => part !== null).join(" · ")}</>;
}

function lines(text: string): string[] {
  return text.split("\n").map((each) => each.trim()).filter((each) => each !== "");
}

function CaseEditor({ set, one, onClose }: { set: Dataset; one: Case | null; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [question, setQuestion] = useState(one?.question ?? "");
  const [gold, setGold] = useState(one?.gold.join("\n") ?? "");
  const [all, setAll] = useState(one?.all.join("\n") ?? "");
  const [forbid, setForbid] = useState(one?.forbid.join("\n") ?? "");
  const [abstain, setAbstain] = useState(one?.abstain ?? false);
  async function save(): Promise<void> {
    const body = { question: question.trim(), gold: lines(gold), all: lines(all), forbid: lines(forbid), abstain };
    const path = { dataset_id: set.id };
    await (one === null
      ? api.POST("/api/v1/evaluations/datasets/{dataset_id}/cases", { params: { path }, body })
      : api.PATCH("/api/v1/evaluations/datasets/{dataset_id}/cases/{case_id}", { params: { path: { ...path, case_id: one.id } }, body }));
    await queries.invalidateQueries({ queryKey: ["datasets"] });
    onClose();
  }
  return (
    <Dialog heading={t(one === null ? "quality.add" : "quality.edit")} onClose={onClose}>
      <Form action={t("action.save")} onSend={save}>
        <TextField label={t("ask.question")} value={question} onChange={setQuestion} rows={2} maxLength={4000} />
        <CheckField label={t("quality.abstain")} isOn={abstain} onChange={setAbstain} />
        {!abstain && (
          <>
            <TextField label={t("quality.gold")} hint={t("quality.oneALine")} value={gold} onChange={setGold} rows={2} isOptional />
            <TextField label={t("quality.everyWord")} hint={t("quality.oneALine")} value={all} onChange={setAll} rows={2} isOptional />
          </>
        )}
        <TextField label={t("quality.forbidden")} hint={t("quality.oneALine")} value={forbid} onChange={setForbid} rows={2} isOptional />
      </Form>
    </Dialog>
  );
}

function Generate({ set, onClose }: { set: Dataset; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [limit, setLimit] = useState("20");
  async function start(): Promise<void> {
    await api.POST("/api/v1/evaluations/datasets/{dataset_id}/generations", { params: { path: { dataset_id: set.id } }, body: { limit: Number(limit) } });
    notify(t("quality.generating"));
    onClose();
    // They are made in a few seconds; a later look finds the rest.
    setTimeout(() => void queries.invalidateQueries({ queryKey: ["datasets"] }), 4_000);
  }
  return (
    <Dialog heading={t("quality.generate")} onClose={onClose}>
      <Form action={t("quality.generate")} onSend={start}>
        <p className="text-soft">{t("quality.generateHint")}</p>
        <TextField label={t("quality.howMany")} type="number" min={1} max={500} value={limit} onChange={setLimit} />
      </Form>
    </Dialog>
  );
}
