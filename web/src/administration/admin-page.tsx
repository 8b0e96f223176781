import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { useRights } from "~/session/rights";
import { Page, Views } from "~/ui/page";

import { Audit } from "./audit";
import { Connections } from "./connections";
import { Embeds } from "./embeds";
import { Groups } from "./groups";
import { Keys } from "./keys";
import { QuestionRules } from "./question-rules";
import { TenantSettings } from "./settings";
import { System } from "./system";
import { Usage } from "./usage";
import { Users } from "./users";
import { Webhooks } from "./webhooks";
import type { AdminView } from "./views";

/** The pages of administrators; managers see connections, usage and their own keys. */
export function AdminPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { isAdmin, isAtLeast } = useRights();
  const isManager = isAdmin || isAtLeast("manager");
  const views: { key: AdminView; name: string }[] = [
    ...(isAdmin ? [{ key: "users" as const, name: t("users.heading") }, { key: "groups" as const, name: t("groups.heading") }] : []),
    { key: "keys", name: t("keys.heading") },
    ...(isManager ? [{ key: "connections" as const, name: t("connections.heading") }, { key: "webhooks" as const, name: t("webhooks.heading") }, { key: "usage" as const, name: t("usage.heading") }] : []),
    ...(isAdmin ? [{ key: "embeds" as const, name: t("embeds.heading") }] : []),
    ...(isAdmin ? [{ key: "settings" as const, name: t("settings.heading") }] : []),
    ...(isAdmin ? [{ key: "questions" as const, name: t("rules.heading") }] : []),
    ...(isAdmin ? [{ key: "audit" as const, name: t("audit.heading") }] : []),
    { key: "system", name: t("system.heading") },
  ];
  const { view: asked } = useSearch({ strict: false }) as { view?: AdminView };
  const view = views.find(({ key }) => key === asked)?.key ?? views[0]?.key ?? "keys";
  return (
    <Page heading={t("nav.admin")} isWide>
      <div className="lg:grid lg:grid-cols-[12rem_minmax(0,1fr)] lg:gap-10">
        <Views isColumn label={t("document.views")} views={views} current={view} onChoose={(next) => void navigate({ to: "/administration", search: { view: next }, replace: true })} />
        <div className="min-w-0">
          {view === "users" && <Users />}
          {view === "groups" && <Groups />}
          {view === "keys" && <Keys />}
          {view === "connections" && <Connections />}
          {view === "webhooks" && <Webhooks />}
          {view === "embeds" && <Embeds />}
          {view === "usage" && <Usage />}
          {view === "settings" && <TenantSettings />}
          {view === "questions" && <QuestionRules />}
          {view === "audit" && <Audit />}
          {view === "system" && <System />}
        </div>
      </div>
    </Page>
  );
}
