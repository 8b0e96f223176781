import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem, type Problem } from "~/api/problem";
import { Dialog } from "~/ui/dialog";
import { notify } from "~/ui/notices";
import { ProblemNote } from "~/ui/problem-note";

const MOST_SETS = 100;

/** Puts an answer into an evaluation set: its question, and what would be right. */
export default function MakeCase({ queryId, onClose }: { queryId: string; onClose: () => void }) {
  const { t } = useTranslation();
  const id = useId();
  const queries = useQueryClient();
  const [chosen, setChosen] = useState("");
  const [name, setName] = useState("");
  const [gold, setGold] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const { data: sets, error, refetch } = useQuery({
    queryKey: ["datasets", "all"],
    queryFn: () => data(api.GET("/api/v1/evaluations/datasets", { params: { query: { limit: MOST_SETS } } })),
  });
  const setId = chosen || (sets?.data[0]?.id ?? "new");

  async function save(): Promise<void> {
    setProblem(null);
    try {
      const made = setId === "new" ? (await data(api.POST("/api/v1/evaluations/datasets", { body: { name: name.trim() } }))).id : setId;
      const right = gold.split("\n").map((each) => each.trim()).filter((each) => each !== "");
      const params = { path: { dataset_id: made } };
      const body = { query_id: queryId, ...(right.length > 0 ? { gold: right } : {}) };
      await api.POST("/api/v1/evaluations/datasets/{dataset_id}/cases", { params, body });
      await queries.invalidateQueries({ queryKey: ["datasets"] });
      notify(t("case.made"));
      onClose();
    } catch (failure) {
      setProblem(asProblem(failure));
    }
  }

  return (
    <Dialog heading={t("case.make")} onClose={onClose}>
      {error !== null && <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      {sets === undefined ? (
        error === null && <div className="skeleton h-24" />
      ) : (
        <form className="space-y-4" onSubmit={(event) => { event.preventDefault(); void save(); }}>
          <div>
            <label htmlFor={`${id}-set`} className="mb-1 block font-medium">{t("case.set")}</label>
            <select id={`${id}-set`} className="field" value={setId} onChange={(event) => setChosen(event.target.value)}>
              {sets.data.map((each) => (
                <option key={each.id} value={each.id}>{each.name}</option>
              ))}
              <option value="new">{t("case.newSet")}</option>
            </select>
          </div>
          {setId === "new" && (
            <div>
              <label htmlFor={`${id}-name`} className="mb-1 block font-medium">{t("case.setName")}</label>
              <input id={`${id}-name`} className="field" required maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
            </div>
          )}
          <div>
            <label htmlFor={`${id}-gold`} className="mb-1 block font-medium">{t("case.gold")}</label>
            <textarea id={`${id}-gold`} className="field" rows={3} aria-describedby={`${id}-hint`} value={gold} onChange={(event) => setGold(event.target.value)} />
            <p id={`${id}-hint`} className="mt-1 text-sm text-soft">{t("case.goldHint")}</p>
          </div>
          {problem !== null && <ProblemNote problem={problem} />}
          <button type="submit" className="button button-main">{t("case.save")}</button>
        </form>
      )}
    </Dialog>
  );
}
