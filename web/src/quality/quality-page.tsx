import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { Dialog } from "~/ui/dialog";
import { TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { Page } from "~/ui/page";

/** Evaluation sets: questions with what is right. */
export function QualityPage() {
  const { t } = useTranslation();
  const [isMaking, setIsMaking] = useState(false);
  return (
    <Page
      heading={t("nav.quality")}
      intro={t("quality.intro")}
      actions={
        <button type="button" className="button button-main" onClick={() => setIsMaking(true)}>
          <Plus />
          {t("quality.new")}
        </button>
      }
    >
      <Listing
        queryKey={["datasets", "list"]}
        read={(query, signal) => data(api.GET("/api/v1/evaluations/datasets", { params: { query }, signal }))}
        empty={t("quality.empty")}
        row={(set) => (
          <>
            <Link to="/quality/$setId" params={{ setId: set.id }} className="font-medium wrap-anywhere underline-offset-4 hover:underline">{set.name}</Link>
            {set.description !== "" && <p className="wrap-anywhere">{set.description}</p>}
            <p className="text-sm text-soft">{t("quality.cases", { count: set.cases })}</p>
          </>
        )}
      />
      {isMaking && <Maker onClose={() => setIsMaking(false)} />}
    </Page>
  );
}

function Maker({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  async function make(): Promise<void> {
    await api.POST("/api/v1/evaluations/datasets", { body: { name: name.trim(), description } });
    await queries.invalidateQueries({ queryKey: ["datasets"] });
    onClose();
  }
  return (
    <Dialog heading={t("quality.new")} onClose={onClose}>
      <Form action={t("quality.make")} onSend={make}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <TextField label={t("field.description")} value={description} onChange={setDescription} isOptional rows={2} />
      </Form>
    </Dialog>
  );
}
