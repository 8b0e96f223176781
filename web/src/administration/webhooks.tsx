import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Delivery, Webhook } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { moment } from "~/kit/format";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { CheckField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";

import { Secret } from "./secret";

const EVENTS = [
  "document.created", "document.updated", "document.deleted", "document.restored",
  "job.succeeded", "job.failed", "job.cancelled", "answer.created", "answer.rated",
] as const;
type Event = (typeof EVENTS)[number];

const STATES: Record<Delivery["status"], { name: Key; tone: "good" | "bad" | "doubt" }> = {
  pending: { name: "webhooks.pending", tone: "doubt" },
  delivered: { name: "webhooks.delivered", tone: "good" },
  failed: { name: "webhooks.failed", tone: "bad" },
};

/** Webhooks: receivers of events about documents, jobs and answers. */
export function Webhooks() {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<Webhook | "new" | null>(null);
  const [opened, setOpened] = useState<Webhook | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <>
      <p className="mb-4 max-w-[44rem] text-soft">{t("webhooks.intro")}</p>
      <button type="button" className="button button-main mb-4" onClick={() => setEdited("new")}><Plus />{t("webhooks.new")}</button>
      {secret !== null && <Secret heading={t("webhooks.secret")} hint={t("webhooks.secretHint")} text={secret} onClose={() => setSecret(null)} />}
      <Listing
        queryKey={["webhooks", "list"]}
        read={(query, signal) => data(api.GET("/api/v1/webhooks", { params: { query }, signal }))}
        empty={t("webhooks.empty")}
        row={(webhook) => <Row webhook={webhook} onEdit={() => setEdited(webhook)} onOpen={() => setOpened(webhook)} onSecret={setSecret} />}
      />
      {edited !== null && <Editor webhook={edited === "new" ? null : edited} onClose={() => setEdited(null)} onSecret={setSecret} />}
      {opened !== null && <Deliveries webhook={opened} onClose={() => setOpened(null)} />}
    </>
  );
}

function Row({ webhook, onEdit, onOpen, onSecret }: { webhook: Webhook; onEdit: () => void; onOpen: () => void; onSecret: (secret: string) => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const [isSure, setIsSure] = useState(false);
  const params = { path: { webhook_id: webhook.id } };
  const refresh = () => queries.invalidateQueries({ queryKey: ["webhooks"] });

  async function turn(): Promise<void> {
    await attempt(() => api.PATCH("/api/v1/webhooks/{webhook_id}", { params, body: { is_active: !webhook.is_active } }));
    await refresh();
  }

  async function rotate(): Promise<void> {
    await attempt(async () => {
      const changed = await data(api.PATCH("/api/v1/webhooks/{webhook_id}", { params, body: { rotate_secret: true } }));
      if (changed.secret != null) onSecret(changed.secret);
    });
  }

  async function remove(): Promise<void> {
    if (await attempt(() => api.DELETE("/api/v1/webhooks/{webhook_id}", { params }))) notify(t("webhooks.removed", { name: webhook.name }));
    await refresh();
  }

  return (
    <div className="flex flex-wrap items-start justify-between gap-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          <span className="wrap-anywhere">{webhook.name}</span>
          <Badge tone={webhook.is_active ? "good" : "plain"}>{t(webhook.is_active ? "trigger.on" : "trigger.off")}</Badge>
        </p>
        <p className="text-sm text-soft wrap-anywhere">{webhook.url}</p>
        <p className="text-sm text-soft wrap-anywhere">{webhook.events.join(", ")}</p>
        {/* An attempt counts from its beginning: the first of a row may be under way. */}
        {webhook.is_active && webhook.failures > 1 && webhook.not_before !== null && <p className="text-sm text-bad">{t("webhooks.rests", { time: moment(webhook.not_before) })}</p>}
        {webhook.disabled_reason !== null && <p className="text-sm text-bad wrap-anywhere">{webhook.disabled_reason}</p>}
      </div>
      <div className="flex flex-wrap gap-1">
        <button type="button" className="button button-line text-sm" onClick={onOpen}>{t("webhooks.log")}</button>
        <button type="button" className="button button-bare text-sm" onClick={onEdit}>{t("users.edit")}</button>
        <button type="button" className="button button-bare text-sm" onClick={() => void turn()}>{t(webhook.is_active ? "trigger.turnOff" : "trigger.turnOn")}</button>
        <button type="button" className="button button-bare text-sm" onClick={() => void rotate()}>{t("webhooks.rotate")}</button>
        {/* Its log goes with it: asked twice. */}
        <button type="button" className="button button-bare text-sm text-bad" onBlur={() => setIsSure(false)} onClick={() => (isSure ? void remove() : setIsSure(true))}>{t(isSure ? "connections.sure" : "grant.remove")}</button>
      </div>
    </div>
  );
}

function Editor({ webhook, onClose, onSecret }: { webhook: Webhook | null; onClose: () => void; onSecret: (secret: string) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(webhook?.name ?? "");
  const [url, setUrl] = useState(webhook?.url ?? "https://");
  const [events, setEvents] = useState<readonly Event[]>(webhook?.events ?? EVENTS);

  async function save(): Promise<void> {
    const body = { name: name.trim(), url: url.trim(), events: [...events] };
    const changed = webhook === null
      ? await data(api.POST("/api/v1/webhooks", { body }))
      : await data(api.PATCH("/api/v1/webhooks/{webhook_id}", { params: { path: { webhook_id: webhook.id } }, body }));
    await queries.invalidateQueries({ queryKey: ["webhooks"] });
    if (changed.secret != null) onSecret(changed.secret);
    notify(t("action.saved"));
    onClose();
  }

  return (
    <Dialog heading={webhook === null ? t("webhooks.new") : webhook.name} onClose={onClose}>
      <Form action={t("action.save")} onSend={save} isDisabled={events.length === 0}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <TextField label={t("webhooks.url")} hint={t("webhooks.urlHint")} value={url} onChange={setUrl} isCode />
        <fieldset>
          <legend className="mb-1 font-medium">{t("webhooks.events")}</legend>
          {EVENTS.map((each) => (
            <CheckField key={each} label={each} isOn={events.includes(each)} onChange={(isOn) => setEvents(isOn ? [...events, each] : events.filter((other) => other !== each))} />
          ))}
        </fieldset>
      </Form>
    </Dialog>
  );
}

function Deliveries({ webhook, onClose }: { webhook: Webhook; onClose: () => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const path = { webhook_id: webhook.id };

  async function replay(id: string): Promise<void> {
    await attempt(() => api.POST("/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", { params: { path: { ...path, delivery_id: id } } }));
    await queries.invalidateQueries({ queryKey: ["webhooks"] });
  }

  return (
    <Dialog heading={t("webhooks.logOf", { name: webhook.name })} onClose={onClose}>
      <Listing
        queryKey={["webhooks", "deliveries", webhook.id]}
        read={(query, signal) => data(api.GET("/api/v1/webhooks/{webhook_id}/deliveries", { params: { path, query }, signal }))}
        isMoving={(each) => each.status === "pending"}
        empty={t("webhooks.nothing")}
        row={(each) => (
          <div className="flex flex-wrap items-start justify-between gap-2">
            <div className="min-w-0 text-sm">
              <p className="flex flex-wrap items-center gap-2"><code>{each.event}</code><Badge tone={STATES[each.status].tone}>{t(STATES[each.status].name as "webhooks.pending")}</Badge></p>
              <p className="text-soft wrap-anywhere">{[moment(each.created_at), t("webhooks.attempts", { count: each.attempts }), each.response_status, each.error].filter((part) => part !== null).join(" · ")}</p>
            </div>
            <button type="button" className="button button-bare text-sm" disabled={each.status === "pending"} onClick={() => void replay(each.id)}>{t("webhooks.replay")}</button>
          </div>
        )}
      />
    </Dialog>
  );
}
