import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { useRights } from "~/session/rights";
import { Plus } from "~/ui/icons";
import { Listing } from "~/ui/listing";
import { Badge, Page, Views } from "~/ui/page";

import { useAgentWords } from "./built-in";
import { RunList } from "./run-list";

/** The agents that can be run, and the runs there were. */
export function AgentsPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { isAtLeast } = useRights();
  const words = useAgentWords();
  const { view = "list" } = useSearch({ strict: false }) as { view?: "list" | "runs" };
  return (
    <Page
      heading={t("nav.agents")}
      intro={t("agents.intro")}
      actions={isAtLeast("manager") && (
        <Link to="/agents/$agentId" params={{ agentId: "new" }} className="button button-main">
          <Plus />
          {t("agents.new")}
        </Link>
      )}
    >
      <Views
        label={t("document.views")}
        views={[{ key: "list", name: t("nav.agents") }, { key: "runs", name: t("runs.heading") }]}
        current={view}
        onChoose={(next) => void navigate({ to: "/agents", search: next === "list" ? {} : { view: next }, replace: true })}
      />
      {view === "runs" ? <RunList /> : (
        <Listing
          queryKey={["agents", "list"]}
          read={(query, signal) => data(api.GET("/api/v1/agents", { params: { query }, signal }))}
          empty={t("agents.empty")}
          row={(agent) => (
            <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2">
              <div className="min-w-0 basis-80 grow">
                <p className="flex flex-wrap items-center gap-2 font-medium">
                  <Link to="/agents/$agentId" params={{ agentId: agent.id }} className="wrap-anywhere underline-offset-4 hover:underline">{words(agent).name}</Link>
                  {agent.is_built_in && <Badge>{t("agents.builtIn")}</Badge>}
                </p>
                <p className="wrap-anywhere">{words(agent).description}</p>
                <p className="text-sm text-soft wrap-anywhere">{[agent.slug, t("place.version", { version: agent.version }), t("agents.tools", { count: agent.tools.length })].join(" · ")}</p>
              </div>
              <Link to="/agents/$agentId" params={{ agentId: agent.id }} className="button button-line text-sm">{t("agents.open")}</Link>
            </div>
          )}
        />
      )}
    </Page>
  );
}
