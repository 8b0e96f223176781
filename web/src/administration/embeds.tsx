import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Embed } from "~/api/schemas";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { ChoiceField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";
import { Badge } from "~/ui/page";

import { Secret } from "./secret";

/** The markup that a page of another site holds to show a box. */
function snippet(embed: Embed): string {
  return `<script src="${location.origin}/embed.js" data-box="${embed.token}" async></script>`;
}

/** Boxes for questions on pages of other sites. */
export function Embeds() {
  const { t } = useTranslation();
  const [edited, setEdited] = useState<Embed | "new" | null>(null);
  const [shown, setShown] = useState<Embed | null>(null);
  return (
    <>
      <p className="mb-4 max-w-[44rem] text-soft">{t("embeds.intro")}</p>
      <button type="button" className="button button-main mb-4" onClick={() => setEdited("new")}><Plus />{t("embeds.new")}</button>
      <Listing
        queryKey={["embeds", "list"]}
        read={(query, signal) => data(api.GET("/api/v1/embeds", { params: { query }, signal }))}
        empty={t("embeds.empty")}
        row={(embed) => <Row embed={embed} onEdit={() => setEdited(embed)} onShow={() => setShown(embed)} />}
      />
      {edited !== null && <Editor embed={edited === "new" ? null : edited} onClose={() => setEdited(null)} onMade={setShown} />}
      {shown !== null && <Secret heading={t("embeds.code")} hint={t("embeds.codeHint")} text={snippet(shown)} onClose={() => setShown(null)} />}
    </>
  );
}

function Row({ embed, onEdit, onShow }: { embed: Embed; onEdit: () => void; onShow: () => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const [isSure, setIsSure] = useState(false);
  const params = { path: { embed_id: embed.id } };
  const refresh = () => queries.invalidateQueries({ queryKey: ["embeds"] });

  async function turn(): Promise<void> {
    await attempt(() => api.PATCH("/api/v1/embeds/{embed_id}", { params, body: { is_active: !embed.is_active } }));
    await refresh();
  }

  async function remove(): Promise<void> {
    if (await attempt(() => api.DELETE("/api/v1/embeds/{embed_id}", { params }))) notify(t("embeds.removed", { name: embed.name }));
    await refresh();
  }

  return (
    <div className="flex flex-wrap items-start justify-between gap-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          <span className="wrap-anywhere">{embed.name}</span>
          <Badge tone={embed.is_active ? "good" : "plain"}>{t(embed.is_active ? "trigger.on" : "trigger.off")}</Badge>
        </p>
        <p className="text-sm text-soft wrap-anywhere">{embed.origins.join(", ")}</p>
      </div>
      <div className="flex flex-wrap gap-1">
        <button type="button" className="button button-line text-sm" onClick={onShow}>{t("embeds.code")}</button>
        <button type="button" className="button button-bare text-sm" onClick={onEdit}>{t("users.edit")}</button>
        <button type="button" className="button button-bare text-sm" onClick={() => void turn()}>{t(embed.is_active ? "trigger.turnOff" : "trigger.turnOn")}</button>
        {/* Pages that show it lose it: asked twice. */}
        <button type="button" className="button button-bare text-sm text-bad" onBlur={() => setIsSure(false)} onClick={() => (isSure ? void remove() : setIsSure(true))}>{t(isSure ? "connections.sure" : "grant.remove")}</button>
      </div>
    </div>
  );
}

function Editor({ embed, onClose, onMade }: { embed: Embed | null; onClose: () => void; onMade: (embed: Embed) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(embed?.name ?? "");
  const [title, setTitle] = useState(embed?.title ?? "");
  const [origins, setOrigins] = useState(embed?.origins.join(", ") ?? "https://");
  const [language, setLanguage] = useState<string>(embed?.language ?? "");
  const [perMinute, setPerMinute] = useState(`${embed?.questions_per_minute ?? 30}`);

  async function save(): Promise<void> {
    const body = {
      name: name.trim(), title: title.trim(), origins: origins.split(/[\s,]+/).filter((each) => each !== ""),
      language: language === "" ? null : (language as "en" | "vi"), questions_per_minute: Number(perMinute),
    };
    const saved = embed === null
      ? await data(api.POST("/api/v1/embeds", { body }))
      : await data(api.PATCH("/api/v1/embeds/{embed_id}", { params: { path: { embed_id: embed.id } }, body }));
    await queries.invalidateQueries({ queryKey: ["embeds"] });
    notify(t("action.saved"));
    onClose();
    if (embed === null) onMade(saved);
  }

  return (
    <Dialog heading={embed === null ? t("embeds.new") : embed.name} onClose={onClose}>
      <Form action={t("action.save")} onSend={save}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <TextField label={t("embeds.title")} hint={t("embeds.titleHint")} value={title} onChange={setTitle} maxLength={100} isOptional />
        <TextField label={t("embeds.origins")} hint={t("embeds.originsHint")} value={origins} onChange={setOrigins} isCode />
        <ChoiceField
          label={t("embeds.language")}
          value={language}
          onChange={setLanguage}
          options={[{ value: "", name: t("embeds.visitors") }, { value: "en", name: "English" }, { value: "vi", name: "Tiếng Việt" }]}
        />
        <TextField label={t("embeds.perMinute")} value={perMinute} onChange={setPerMinute} type="number" min={1} max={1000} />
      </Form>
    </Dialog>
  );
}
