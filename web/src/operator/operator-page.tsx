import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { useStore } from "~/kit/store";
import { TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Page } from "~/ui/page";

import { operatorKey, takeKey } from "./operator-key";
import { Tenants } from "./tenants";

/** The organisations of this installation, for its operator: opened by a key, not by an account. */
export function OperatorPage() {
  const { t } = useTranslation();
  const key = useStore(operatorKey);
  const queries = useQueryClient();
  function leave(): void {
    operatorKey.set(null);
    queries.removeQueries({ queryKey: ["operator"] });
  }
  const out = <button type="button" className="button button-bare" onClick={leave}>{t("operator.forget")}</button>;
  return (
    <Page heading={t("operator.heading")} intro={t("operator.intro")} actions={key === null ? undefined : out}>
      {key === null ? <KeyForm /> : <Tenants />}
    </Page>
  );
}

function KeyForm() {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [isOthers, setIsOthers] = useState(false);
  async function open(): Promise<void> {
    setIsOthers(false);
    setIsOthers(!(await takeKey(text.trim())));
  }
  return (
    <div className="max-w-xl">
      <Form action={t("operator.open")} onSend={open}>
        <TextField label={t("operator.key")} hint={t("operator.keyHint")} type="password" value={text} onChange={setText} isCode autoFocus />
        {isOthers && <p role="alert" className="text-bad">{t("operator.othersKey")}</p>}
      </Form>
    </div>
  );
}
