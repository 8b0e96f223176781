import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Tenant } from "~/api/schemas";
import { LANGUAGES, type Language } from "~/i18n";
import { useStore } from "~/kit/store";
import { session } from "~/session/session";
import { CheckField, ChoiceField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { notify } from "~/ui/notices";
import { ProblemNote } from "~/ui/problem-note";

/** The organisation's own settings. */
export function TenantSettings() {
  const current = useStore(session);
  const id = current.status === "in" ? current.me.tenant.id : "";
  const { data: tenant, error, refetch } = useQuery({
    queryKey: ["tenant", id],
    enabled: id !== "",
    queryFn: () => data(api.GET("/api/v1/tenants/{tenant_id}", { params: { path: { tenant_id: id } } })),
  });
  if (error !== null) return <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />;
  if (tenant === undefined) return <div className="skeleton h-64" />;
  return <Editor key={tenant.updated_at} tenant={tenant} />;
}

const REWRITINGS = ["rewrite", "variations", "decomposition", "hyde"] as const;
type Rewriting = (typeof REWRITINGS)[number];

function Editor({ tenant }: { tenant: Tenant }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(tenant.name);
  const [isOpen, setIsOpen] = useState(tenant.has_open_registration);
  const [answers, setAnswers] = useState(text(tenant.answer_days));
  const [conversations, setConversations] = useState(text(tenant.conversation_days));
  const [trash, setTrash] = useState(text(tenant.trash_days));
  const [log, setLog] = useState(tenant.question_log);
  const [isRedacted, setIsRedacted] = useState(tenant.redaction === "personal");
  const [isLogRedacted, setIsLogRedacted] = useState(tenant.log_redaction === "personal");
  const [hasCache, setHasCache] = useState(tenant.has_cache);
  const [spoken, setSpoken] = useState(tenant.language);
  const [verifier, setVerifier] = useState<"rules" | "model" | "usual">(tenant.verifier ?? "usual");
  const [isUsual, setIsUsual] = useState(tenant.query_rewriting === null);
  const [rewriting, setRewriting] = useState<readonly Rewriting[]>(tenant.query_rewriting ?? []);
  const [english, setEnglish] = useState(tenant.prompts["answer.en"] ?? "");
  const [vietnamese, setVietnamese] = useState(tenant.prompts["answer.vi"] ?? "");

  async function save(): Promise<void> {
    const own = { "answer.en": english, "answer.vi": vietnamese };
    const prompts = { ...tenant.prompts, ...own };
    const given = Object.fromEntries(Object.entries(prompts).filter(([, value]) => value.trim() !== ""));
    await api.PATCH("/api/v1/tenants/{tenant_id}", {
      params: { path: { tenant_id: tenant.id } },
      body: {
        name: name.trim(), has_open_registration: isOpen, answer_days: days(answers), conversation_days: days(conversations),
        trash_days: days(trash), question_log: log, redaction: isRedacted ? "personal" : "off",
        log_redaction: isLogRedacted ? "personal" : "off", has_cache: hasCache, language: spoken,
        verifier: verifier === "usual" ? null : verifier, query_rewriting: isUsual ? null : [...rewriting], prompts: given,
      },
    });
    await queries.invalidateQueries({ queryKey: ["tenant"] });
    notify(t("action.saved"));
  }

  const usual = t("settings.usual");
  return (
    <div className="max-w-2xl">
      <Form action={t("action.save")} onSend={save}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <CheckField label={t("settings.registration")} isOn={isOpen} onChange={setIsOpen} />
        <ChoiceField
          label={t("settings.language")}
          hint={t("settings.languageHint")}
          value={spoken}
          onChange={setSpoken}
          options={(Object.keys(LANGUAGES) as Language[]).map((value) => ({ value, name: LANGUAGES[value] }))}
        />
        <Part heading={t("settings.kept")}>
          <TextField label={t("settings.answers")} hint={usual} type="number" min={0} max={3650} isOptional value={answers} onChange={setAnswers} />
          <TextField label={t("settings.conversations")} hint={usual} type="number" min={1} max={3650} isOptional value={conversations} onChange={setConversations} />
          <TextField label={t("settings.trash")} hint={usual} type="number" min={0} max={3650} isOptional value={trash} onChange={setTrash} />
        </Part>
        <Part heading={t("settings.privacy")}>
          <ChoiceField
            label={t("settings.log")}
            hint={t("settings.logHint")}
            value={log}
            onChange={setLog}
            options={[{ value: "full", name: t("settings.logFull") }, { value: "anonymous", name: t("settings.logAnonymous") }, { value: "off", name: t("settings.logOff") }]}
          />
          <CheckField label={t("settings.logRedaction")} isOn={isLogRedacted} onChange={setIsLogRedacted} />
          <CheckField label={t("settings.redaction")} isOn={isRedacted} onChange={setIsRedacted} />
        </Part>
        <Part heading={t("settings.answering")}>
          <CheckField label={t("settings.cache")} isOn={hasCache} onChange={setHasCache} />
          <ChoiceField
            label={t("settings.verifier")}
            value={verifier}
            onChange={setVerifier}
            options={[{ value: "usual", name: t("settings.asInstalled") }, { value: "rules", name: t("settings.byRules") }, { value: "model", name: t("settings.byModel") }]}
          />
          <fieldset>
            <legend className="mb-1 font-medium">{t("settings.rewriting")}</legend>
            <CheckField label={t("settings.asInstalled")} isOn={isUsual} onChange={setIsUsual} />
            {!isUsual && REWRITINGS.map((each) => (
              <CheckField key={each} label={each} isOn={rewriting.includes(each)} onChange={(isOn) => setRewriting(isOn ? [...rewriting, each] : rewriting.filter((other) => other !== each))} />
            ))}
          </fieldset>
          <TextField label={t("settings.promptEn")} hint={t("settings.promptHint", { form: "{{form}}" })} rows={5} isOptional isCode value={english} onChange={setEnglish} />
          <TextField label={t("settings.promptVi")} hint={t("settings.promptHint", { form: "{{form}}" })} rows={5} isOptional isCode value={vietnamese} onChange={setVietnamese} />
        </Part>
      </Form>
    </div>
  );
}

function Part({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <section className="space-y-4 border-t border-line pt-4">
      <h2 className="font-serif text-xl font-semibold">{heading}</h2>
      {children}
    </section>
  );
}

function text(value: number | null): string {
  return value === null ? "" : String(value);
}

function days(value: string): number | null {
  return value.trim() === "" ? null : Number(value);
}
