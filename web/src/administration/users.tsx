import { useQueryClient } from "@tanstack/react-query";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Invited, User } from "~/api/schemas";
import type { Key } from "~/i18n/key";
import { moment } from "~/kit/format";
import { Store, useStore } from "~/kit/store";
import { linkOf } from "~/session/links";
import { useOwnId } from "~/session/rights";
import { ROLE_NAMES, ROLES, type RoleName } from "~/sharing/names";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { CheckField, ChoiceField, TextField } from "~/ui/fields";
import { Form } from "~/ui/form";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { notify, notifyBefore } from "~/ui/notices";
import { Badge } from "~/ui/page";

import { Secret } from "./secret";

const STATUSES: Record<User["status"], Key> = { active: "users.active", invited: "users.invited", deactivated: "users.deactivated" };
const TONES = { active: "good", invited: "doubt", deactivated: "plain" } as const;

/** Those about to be removed. */
const leaving = new Store<readonly string[]>([]);

/** A link that is shown once: an invitation, or one for a new password. */
interface Given {
  kind: "invitation" | "reset";
  email: string;
  text: string;
  /** Whether it is on its way to them by mail, too. */
  isMailed: boolean;
}

/** The users of the organisation: invited, given roles, deactivated, removed. */
export function Users() {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const [status, setStatus] = useState<User["status"] | "">("");
  const [role, setRole] = useState<RoleName | "">("");
  const [isInviting, setIsInviting] = useState(false);
  const [edited, setEdited] = useState<User | null>(null);
  const [given, setGiven] = useState<Given | null>(null);
  const hidden = useStore(leaving);
  const wanted = useDeferredValue(search.trim());
  const filters = { ...(wanted === "" ? {} : { search: wanted }), ...(status === "" ? {} : { status }), ...(role === "" ? {} : { role }) };
  return (
    <>
      <div className="mb-4 flex flex-wrap gap-3">
        <input type="search" className="field grow basis-56" aria-label={t("grant.search")} placeholder={t("grant.search")} maxLength={200} value={search} onChange={(event) => setSearch(event.target.value)} />
        <select className="field w-auto" aria-label={t("users.role")} value={role} onChange={(event) => setRole(event.target.value as RoleName | "")}>
          <option value="">{t("users.anyRole")}</option>
          {ROLES.map((each) => <option key={each} value={each}>{t(ROLE_NAMES[each] as "role.guest")}</option>)}
        </select>
        <select className="field w-auto" aria-label={t("documents.status")} value={status} onChange={(event) => setStatus(event.target.value as User["status"] | "")}>
          <option value="">{t("documents.any")}</option>
          {(Object.keys(STATUSES) as User["status"][]).map((each) => <option key={each} value={each}>{t(STATUSES[each] as "users.active")}</option>)}
        </select>
        <button type="button" className="button button-main" onClick={() => setIsInviting(true)}>
          <Plus />
          {t("users.invite")}
        </button>
      </div>
      <Listing
        queryKey={["users", "list", filters]}
        read={(page, signal) => data(api.GET("/api/v1/users", { params: { query: { ...page, ...filters } }, signal }))}
        empty={t("users.none")}
        row={(user) => (hidden.includes(user.id) ? null : <Row user={user} onEdit={() => setEdited(user)} onGiven={setGiven} />)}
      />
      {isInviting && <Invite onClose={() => setIsInviting(false)} onGiven={setGiven} />}
      {edited !== null && <Edit user={edited} onClose={() => setEdited(null)} />}
      {given !== null && (
        <Secret
          heading={given.kind === "reset" ? t("users.resetFor", { email: given.email }) : t("users.invitationFor", { email: given.email })}
          hint={t(given.kind === "reset" ? "users.resetHint" : given.isMailed ? "users.mailedHint" : "users.invitationHint")}
          text={given.text}
          onClose={() => setGiven(null)}
        />
      )}
    </>
  );
}

function Row({ user, onEdit, onGiven }: { user: User; onEdit: () => void; onGiven: (given: Given) => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const ownId = useOwnId();
  const path = { user_id: user.id };
  const refresh = () => queries.invalidateQueries({ queryKey: ["users"] });

  async function turn(status: "active" | "deactivated"): Promise<boolean> {
    const isDone = await attempt(() => api.PATCH("/api/v1/users/{user_id}", { params: { path }, body: { status } }));
    await refresh();
    return isDone;
  }

  async function deactivate(): Promise<void> {
    if (await turn("deactivated")) notify(t("users.isDeactivated", { email: user.email }), () => void turn("active"));
  }

  async function invite(): Promise<void> {
    await attempt(async () => {
      const made = await data(api.POST("/api/v1/users/{user_id}/invitation", { params: { path } }));
      onGiven(invitationOf(made));
    });
    await refresh();
  }

  async function removeFactor(): Promise<void> {
    const isDone = await attempt(() => api.DELETE("/api/v1/users/{user_id}/second-factor", { params: { path } }));
    if (isDone) notify(t("factor.removedFor", { email: user.email }));
    await refresh();
  }

  async function offerReset(): Promise<void> {
    await attempt(async () => {
      const made = await data(api.POST("/api/v1/users/{user_id}/password-reset", { params: { path } }));
      onGiven({ kind: "reset", email: made.email, text: linkOf(location.origin, "reset", made), isMailed: false });
    });
  }

  function remove(): void {
    leaving.update((all) => [...all, user.id]);
    const back = () => leaving.update((all) => all.filter((each) => each !== user.id));
    notifyBefore(t("users.removed", { email: user.email }), () => {
      const gone = api.DELETE("/api/v1/users/{user_id}", { params: { path }, keepalive: true });
      void attempt(() => gone).then(refresh).finally(back);
    }, back);
  }

  return (
    <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          <span className="wrap-anywhere">{user.name || user.email}</span>
          <Badge tone={TONES[user.status]}>{t(STATUSES[user.status] as "users.active")}</Badge>
          {user.second_factor_at !== null && <Badge>{t("factor.badge")}</Badge>}
          {user.is_admin && <Badge>{t("users.administrator")}</Badge>}
        </p>
        <p className="text-sm text-soft wrap-anywhere">
          {[user.name ? user.email : null, t(ROLE_NAMES[user.role] as "role.guest"), user.last_login_at === null ? null : t("users.seen", { when: moment(user.last_login_at) })].filter((part) => part !== null).join(" · ")}
        </p>
      </div>
      <div className="flex flex-wrap gap-1">
        <button type="button" className="button button-bare text-sm" onClick={onEdit}>{t("users.edit")}</button>
        {user.status === "invited" && <button type="button" className="button button-bare text-sm" onClick={() => void invite()}>{t("users.again")}</button>}
        {user.status === "deactivated" && <button type="button" className="button button-bare text-sm" onClick={() => void turn("active")}>{t("users.activate")}</button>}
        {user.status === "active" && user.id !== ownId && <button type="button" className="button button-bare text-sm" onClick={() => void offerReset()}>{t("users.reset")}</button>}
        {user.status === "active" && user.id !== ownId && <button type="button" className="button button-bare text-sm" onClick={() => void deactivate()}>{t("users.deactivate")}</button>}
        {user.second_factor_at !== null && user.id !== ownId && <button type="button" className="button button-bare text-sm" onClick={() => void removeFactor()}>{t("factor.remove")}</button>}
        {user.id !== ownId && <button type="button" className="button button-bare text-sm text-bad" onClick={remove}>{t("grant.remove")}</button>}
      </div>
    </div>
  );
}

function invitationOf({ email, invitation: token, is_mailed: isMailed }: Invited): Given {
  return { kind: "invitation", email, text: linkOf(location.origin, "join", { token, email }), isMailed };
}

function Invite({ onClose, onGiven }: { onClose: () => void; onGiven: (given: Given) => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<RoleName>("employee");
  const [isAdmin, setIsAdmin] = useState(false);
  async function send(): Promise<void> {
    const made = await data(api.POST("/api/v1/users", { body: { email: email.trim(), name: name.trim(), role, is_admin: isAdmin } }));
    await queries.invalidateQueries({ queryKey: ["users"] });
    onClose();
    onGiven(invitationOf(made));
  }
  return (
    <Dialog heading={t("users.invite")} onClose={onClose}>
      <Form action={t("users.invite")} onSend={send}>
        <TextField label={t("account.email")} type="email" value={email} onChange={setEmail} />
        <TextField label={t("account.optionalName")} value={name} onChange={setName} isOptional maxLength={200} />
        <RoleFields role={role} isAdmin={isAdmin} onRole={setRole} onAdmin={setIsAdmin} />
      </Form>
    </Dialog>
  );
}

function Edit({ user, onClose }: { user: User; onClose: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [name, setName] = useState(user.name);
  const [role, setRole] = useState<RoleName>(user.role);
  const [isAdmin, setIsAdmin] = useState(user.is_admin);
  async function save(): Promise<void> {
    // Only changed fields are sent: another role ends the user's sessions.
    const body = { ...(name === user.name ? {} : { name }), ...(role === user.role ? {} : { role }), ...(isAdmin === user.is_admin ? {} : { is_admin: isAdmin }) };
    await api.PATCH("/api/v1/users/{user_id}", { params: { path: { user_id: user.id } }, body });
    await queries.invalidateQueries({ queryKey: ["users"] });
    notify(t("action.saved"));
    onClose();
  }
  return (
    <Dialog heading={user.email} onClose={onClose}>
      <Form action={t("action.save")} onSend={save}>
        <TextField label={t("field.name")} value={name} onChange={setName} isOptional maxLength={200} />
        <RoleFields role={role} isAdmin={isAdmin} onRole={setRole} onAdmin={setIsAdmin} />
        <p className="text-sm text-soft">{t("users.endsSessions")}</p>
      </Form>
    </Dialog>
  );
}

function RoleFields({ role, isAdmin, onRole, onAdmin }: { role: RoleName; isAdmin: boolean; onRole: (role: RoleName) => void; onAdmin: (isAdmin: boolean) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <ChoiceField label={t("users.role")} hint={t("users.roleHint")} value={role} onChange={onRole} options={ROLES.map((value) => ({ value, name: t(ROLE_NAMES[value] as "role.guest") }))} />
      <CheckField label={t("users.mayAdminister")} isOn={isAdmin} onChange={onAdmin} />
    </>
  );
}
