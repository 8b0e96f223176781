import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Group } from "~/api/schemas";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { ChoiceField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { notify } from "~/ui/notices";

type Open = { kind: "new" } | { kind: "edit" | "members"; group: Group };

/** Groups, which rules of documents and collections can name. */
export function Groups() {
  const { t } = useTranslation();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  return (
    <>
      <button type="button" className="button button-main mb-4" onClick={() => setOpen({ kind: "new" })}>
        <Plus />
        {t("groups.new")}
      </button>
      <Listing
        queryKey={["groups", "list"]}
        read={(query, signal) => data(api.GET("/api/v1/groups", { params: { query }, signal }))}
        empty={t("groups.empty")}
        row={(group) => <Row group={group} onOpen={setOpen} />}
      />
      {open?.kind === "new" && <Editor group={null} onClose={close} />}
      {open?.kind === "edit" && <Editor group={open.group} onClose={close} />}
      {open?.kind === "members" && <Members group={open.group} onClose={close} />}
    </>
  );
}

function Row({ group, onOpen }: { group: Group; onOpen: (open: Open) => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const [isSure, setIsSure] = useState(false);
  async function remove(): Promise<void> {
    if (await attempt(() => api.DELETE("/api/v1/groups/{group_id}", { params: { path: { group_id: group.id } } }))) notify(t("groups.removed", { name: group.name }));
    await queries.invalidateQueries({ queryKey: ["groups"] });
  }
  return (
    <div className="flex flex-wrap items-start justify-between gap-3">
      <div className="min-w-0">
        <p className="font-medium wrap-anywhere">{group.name}</p>
        <p className="text-sm text-soft wrap-anywhere">{group.description}</p>
      </div>
      <div className="flex flex-wrap gap-1">
        <button type="button" className="button button-bare text-sm" onClick={() => onOpen({ kind: "members", group })}>{t("groups.members")}</button>
        <button type="button" className="button button-bare text-sm" onClick={() => onOpen({ kind: "edit", group })}>{t("users.edit")}</button>
        {/* Its rules and members go with it, and nothing brings them back: asked twice. */}
        <button type="button" className="button button-bare text-sm text-bad" onBlur={() => setIsSure(false)} onClick={() => (isSure ? void remove() : setIsSure(true))}>
          {t(isSure ? "groups.sure" : "grant.remove")}
        </button>
      </div>
    </div>
  );
}

function Editor({ group, onClose }: { group: Group | null; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(group?.name ?? "");
  const [description, setDescription] = useState(group?.description ?? "");
  async function save(): Promise<void> {
    const body = { name: name.trim(), description };
    await (group === null ? api.POST("/api/v1/groups", { body }) : api.PATCH("/api/v1/groups/{group_id}", { params: { path: { group_id: group.id } }, body }));
    await queries.invalidateQueries({ queryKey: ["groups"] });
    notify(t("action.saved"));
    onClose();
  }
  return (
    <Dialog heading={group === null ? t("groups.new") : group.name} onClose={onClose}>
      <Form action={t("action.save")} onSend={save}>
        <TextField label={t("field.name")} value={name} onChange={setName} maxLength={200} />
        <TextField label={t("field.description")} value={description} onChange={setDescription} isOptional rows={2} />
      </Form>
    </Dialog>
  );
}

function Members({ group, onClose }: { group: Group; onClose: () => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const [search, setSearch] = useState("");
  const [chosen, setChosen] = useState("");
  const wanted = useDeferredValue(search.trim());
  const { data: users } = useQuery({
    queryKey: ["users", "choice", wanted],
    queryFn: ({ signal }) => data(api.GET("/api/v1/users", { params: { query: { limit: 50, ...(wanted === "" ? {} : { search: wanted }) } }, signal })),
  });
  const options = (users?.data ?? []).map((user) => ({ value: user.id, name: user.name ? `${user.name} (${user.email})` : user.email }));
  const subject = options.some((option) => option.value === chosen) ? chosen : (options[0]?.value ?? "");
  const refresh = () => queries.invalidateQueries({ queryKey: ["groups", "members", group.id] });
  const path = (id: string) => ({ group_id: group.id, user_id: id });

  async function add(): Promise<void> {
    await api.PUT("/api/v1/groups/{group_id}/members/{user_id}", { params: { path: path(subject) } });
    await refresh();
  }

  async function remove(id: string): Promise<void> {
    const isGone = await attempt(() => api.DELETE("/api/v1/groups/{group_id}/members/{user_id}", { params: { path: path(id) } }));
    await refresh();
    if (isGone) notify(t("groups.memberRemoved"), () => void attempt(() => api.PUT("/api/v1/groups/{group_id}/members/{user_id}", { params: { path: path(id) } })).then(refresh));
  }

  return (
    <Dialog heading={t("groups.membersOf", { name: group.name })} onClose={onClose}>
      <Listing
        queryKey={["groups", "members", group.id]}
        read={(query, signal) => data(api.GET("/api/v1/groups/{group_id}/members", { params: { path: { group_id: group.id }, query }, signal }))}
        empty={t("groups.nobody")}
        row={(user) => (
          <div className="flex items-center justify-between gap-3">
            <span className="min-w-0 wrap-anywhere">{user.name || user.email}</span>
            <button type="button" className="button button-bare text-sm" onClick={() => void remove(user.id)}>{t("grant.remove")}</button>
          </div>
        )}
      />
      <div className="mt-5">
        <Form action={t("groups.add")} onSend={add} isDisabled={subject === ""}>
          <TextField label={t("grant.search")} value={search} onChange={setSearch} isOptional maxLength={200} />
          <ChoiceField label={t("grant.oneUser")} value={subject} onChange={setChosen} options={options} />
        </Form>
      </div>
    </Dialog>
  );
}
