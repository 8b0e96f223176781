import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { Secret } from "~/administration/secret";
import { data } from "~/api/client";
import type { Tenant } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { moment } from "~/kit/format";
import { Dialog } from "~/ui/dialog";
import { ChoiceField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";

import { operatorApi } from "./operator-key";

const PLANS = { unlimited: "operator.unlimited", free: "operator.free", team: "operator.team", business: "operator.business" } as const satisfies Record<string, Key>;
type Plan = keyof typeof PLANS;
/** It cannot be suspended or removed: the server refuses both. */
const FIRST = "default";
const LISTED = ["operator", "tenants"] as const;

/** Organisations: made, renamed, put on a plan, suspended and removed. */
export function Tenants() {
  const { t } = useTranslation();
  const [isMaking, setIsMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <>
      <button type="button" className="button button-main mb-4" onClick={() => setIsMaking(true)}>
        <Plus />
        {t("operator.new")}
      </button>
      <Listing
        queryKey={LISTED}
        read={(query, signal) => data(operatorApi.GET("/api/v1/tenants", { params: { query }, signal }))}
        empty={t("operator.empty")}
        row={(tenant) => <Row tenant={tenant} />}
      />
      {isMaking && <Maker onClose={() => setIsMaking(false)} onMade={setSecret} />}
      {secret !== null && <Secret heading={t("operator.made")} hint={t("operator.madeHint")} text={secret} onClose={() => setSecret(null)} />}
    </>
  );
}

function usePlans(): { value: Plan; name: string }[] {
  const { t } = useTranslation();
  return (Object.keys(PLANS) as Plan[]).map((value) => ({ value, name: t(PLANS[value] as "operator.free") }));
}

function Row({ tenant }: { tenant: Tenant }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState<"change" | "remove" | null>(null);
  const plan = PLANS[tenant.plan as Plan];
  const limits = Object.keys(tenant.limits).length;
  const facts = [
    tenant.slug,
    plan === undefined ? tenant.plan : t(plan as "operator.free"),
    limits === 0 ? null : t("operator.ownLimits", { count: limits }),
    tenant.region,
    t("operator.since", { when: moment(tenant.created_at) }),
  ];
  return (
    <div className="flex flex-wrap items-start justify-between gap-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          <span className="wrap-anywhere">{tenant.name}</span>
          {tenant.status === "suspended" && <Badge tone="bad">{t("operator.suspended")}</Badge>}
        </p>
        <p className="text-sm text-soft wrap-anywhere">{facts.filter((fact) => fact !== null).join(" · ")}</p>
      </div>
      <div className="flex flex-wrap gap-1">
        <button type="button" className="button button-bare text-sm" aria-label={t("operator.changeNamed", { name: tenant.name })} onClick={() => setOpen("change")}>{t("operator.change")}</button>
        {tenant.slug !== FIRST && (
          <button type="button" className="button button-bare text-sm text-bad" aria-label={t("operator.removeNamed", { name: tenant.name })} onClick={() => setOpen("remove")}>{t("operator.remove")}</button>
        )}
      </div>
      {open === "change" && <Editor tenant={tenant} onClose={() => setOpen(null)} />}
      {open === "remove" && <Remover tenant={tenant} onClose={() => setOpen(null)} />}
    </div>
  );
}

function Maker({ onClose, onMade }: { onClose: () => void; onMade: (secret: string) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const plans = usePlans();
  const [name, setName] = useState("");
  const [slug, setSlug] = useState("");
  const [plan, setPlan] = useState<Plan>("unlimited");
  async function make(): Promise<void> {
    const made = await data(operatorApi.POST("/api/v1/tenants", { body: { slug: slug.trim(), name: name.trim(), plan } }));
    await queries.invalidateQueries({ queryKey: LISTED });
    onClose();
    onMade(made.key);
  }
  return (
    <Dialog heading={t("operator.new")} onClose={onClose}>
      <Form action={t("operator.make")} onSend={make}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <TextField label={t("operator.slug")} hint={t("operator.slugHint")} value={slug} onChange={setSlug} maxLength={63} isCode />
        <ChoiceField label={t("operator.plan")} value={plan} options={plans} onChange={setPlan} />
      </Form>
    </Dialog>
  );
}

const STATUSES = { active: "operator.active", suspended: "operator.suspended" } as const satisfies Record<string, Key>;
type Status = keyof typeof STATUSES;

function Editor({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const plans = usePlans();
  const [name, setName] = useState(tenant.name);
  const [plan, setPlan] = useState(tenant.plan);
  const [status, setStatus] = useState<Status>(tenant.status);
  // A plan of a newer version stays what it is until another one is chosen.
  const known = tenant.plan in PLANS ? plans : [{ value: tenant.plan as Plan, name: tenant.plan }, ...plans];
  async function save(): Promise<void> {
    const body = {
      ...(name.trim() === tenant.name ? {} : { name: name.trim() }),
      ...(plan === tenant.plan ? {} : { plan: plan as Plan }),
      ...(status === tenant.status ? {} : { status }),
    };
    await operatorApi.PATCH("/api/v1/tenants/{tenant_id}", { params: { path: { tenant_id: tenant.id } }, body });
    await queries.invalidateQueries({ queryKey: LISTED });
    onClose();
    notify(t("operator.saved", { name: name.trim() }));
  }
  return (
    <Dialog heading={tenant.name} onClose={onClose}>
      <Form action={t("operator.save")} onSend={save}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <ChoiceField label={t("operator.plan")} value={plan as Plan} options={known} onChange={setPlan} />
        <ChoiceField
          label={t("operator.status")}
          hint={t("operator.statusHint")}
          value={status}
          options={(Object.keys(STATUSES) as Status[]).map((value) => ({ value, name: t(STATUSES[value] as "operator.active") }))}
          onChange={setStatus}
          isDisabled={tenant.slug === FIRST}
        />
      </Form>
    </Dialog>
  );
}

/** Nothing brings a removed organisation back, so its short name has to be typed. */
function Remover({ tenant, onClose }: { tenant: Tenant; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [typed, setTyped] = useState("");
  async function remove(): Promise<void> {
    await operatorApi.DELETE("/api/v1/tenants/{tenant_id}", { params: { path: { tenant_id: tenant.id } } });
    await queries.invalidateQueries({ queryKey: LISTED });
    onClose();
    notify(t("operator.removed", { name: tenant.name }));
  }
  return (
    <Dialog heading={t("operator.removeNamed", { name: tenant.name })} onClose={onClose}>
      <p className="mb-4">{t("operator.removeWarning")}</p>
      <Form action={t("operator.removeNow")} onSend={remove} isDisabled={typed.trim() !== tenant.slug}>
        <TextField label={t("operator.typeSlug", { slug: tenant.slug })} value={typed} onChange={setTyped} isCode />
      </Form>
    </Dialog>
  );
}
