import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
} from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { ADMIN_VIEWS } from "~/administration/views";
import { AGENT_VIEWS, type AgentView } from "~/agents/views";
import { ANALYTICS_VIEWS } from "~/analytics/views";
import { AskPage } from "~/ask/ask-page";
import { passageOf, type Passage } from "~/documents/targets";
import { DOCUMENT_STATUSES, DOCUMENT_VIEWS, type DocumentStatus, type DocumentView } from "~/documents/views";
import { withWords } from "~/i18n";
import { SET_VIEWS } from "~/quality/views";
import { SetUpPage } from "~/session/set-up-page";
import { WORKFLOW_VIEWS } from "~/workflows/views";

import { Shell } from "./shell";

/** Reads which part of a page an address names; what it does not know is left out. */
function viewOf<View extends string>(views: readonly View[]): (given: Record<string, unknown>) => { view?: View | undefined } {
  // Said to be nothing where it is not known: what is left out stays as it was typed.
  return (given) => ({ view: views.find((each) => each === given["view"]) });
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

/** One page with and without a conversation: what is being asked stays as the first one begins. */
const ask = createRoute({ getParentRoute: () => root, id: "ask", component: AskPage });

const routes = [
  ask.addChildren([
    createRoute({ getParentRoute: () => ask, path: "/" }),
    createRoute({ getParentRoute: () => ask, path: "/c/$conversationId" }),
  ]),
  createRoute({ getParentRoute: () => root, path: "/setup", component: SetUpPage }),
  createRoute({
    getParentRoute: () => root,
    path: "/join",
    component: lazyRouteComponent(withWords(() => import("~/session/join-page")), "JoinPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/account",
    component: lazyRouteComponent(withWords(() => import("~/session/account-page")), "AccountPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/reset",
    component: lazyRouteComponent(withWords(() => import("~/session/reset-page")), "ResetPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/forgot",
    component: lazyRouteComponent(withWords(() => import("~/session/forgot-page")), "ForgotPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/email",
    component: lazyRouteComponent(withWords(() => import("~/session/email-page")), "EmailPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/authorize",
    component: lazyRouteComponent(withWords(() => import("~/session/authorize-page")), "AuthorizePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/operator",
    component: lazyRouteComponent(withWords(() => import("~/operator/operator-page")), "OperatorPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/documents",
    validateSearch: (given): { collection?: string; folder?: string; status?: DocumentStatus | undefined } => ({
      ...(typeof given["collection"] === "string" ? { collection: given["collection"] } : {}),
      ...(typeof given["folder"] === "string" ? { folder: given["folder"] } : {}),
      status: DOCUMENT_STATUSES.find((each) => each === given["status"]),
    }),
    component: lazyRouteComponent(withWords(() => import("~/documents/documents-page")), "DocumentsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/documents/trash",
    component: lazyRouteComponent(withWords(() => import("~/documents/trash-page")), "TrashPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/documents/$documentId",
    validateSearch: (given): { view?: DocumentView | undefined } & Partial<Passage> => ({ ...viewOf(DOCUMENT_VIEWS)(given), ...passageOf(given) }),
    component: lazyRouteComponent(withWords(() => import("~/documents/document-page")), "DocumentPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/collections",
    component: lazyRouteComponent(withWords(() => import("~/collections/collections-page")), "CollectionsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/agents",
    validateSearch: viewOf(["list", "runs"]),
    component: lazyRouteComponent(withWords(() => import("~/agents/agents-page")), "AgentsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/agents/$agentId",
    validateSearch: (given): { view?: AgentView | undefined; copy?: string } => ({
      ...viewOf(AGENT_VIEWS)(given),
      ...(typeof given["copy"] === "string" ? { copy: given["copy"] } : {}),
    }),
    component: lazyRouteComponent(withWords(() => import("~/agents/agent-page")), "AgentPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/agent-runs/$runId",
    component: lazyRouteComponent(withWords(() => import("~/agents/run-page")), "AgentRunPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/workflows",
    validateSearch: viewOf(["list", "templates", "runs"]),
    component: lazyRouteComponent(withWords(() => import("~/workflows/workflows-page")), "WorkflowsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/workflows/$workflowId",
    validateSearch: viewOf(WORKFLOW_VIEWS),
    component: lazyRouteComponent(withWords(() => import("~/workflows/workflow-page")), "WorkflowPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/workflow-runs/$runId",
    component: lazyRouteComponent(withWords(() => import("~/workflows/workflow-run-page")), "WorkflowRunPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/quality",
    component: lazyRouteComponent(withWords(() => import("~/quality/quality-page")), "QualityPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/quality/$setId",
    validateSearch: viewOf(SET_VIEWS),
    component: lazyRouteComponent(withWords(() => import("~/quality/set-page")), "SetPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/quality/$setId/runs/$runId",
    component: lazyRouteComponent(withWords(() => import("~/quality/run-page")), "EvaluationRunPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/quality/$setId/compare/$beforeId/$afterId",
    component: lazyRouteComponent(withWords(() => import("~/quality/compare-page")), "ComparePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/analytics",
    validateSearch: viewOf(ANALYTICS_VIEWS),
    component: lazyRouteComponent(withWords(() => import("~/analytics/analytics-page")), "AnalyticsPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/administration",
    validateSearch: viewOf(ADMIN_VIEWS),
    component: lazyRouteComponent(withWords(() => import("~/administration/admin-page")), "AdminPage"),
  }),
];

export const router = createRouter({ routeTree: root.addChildren(routes), defaultPreload: "intent" });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

function NotFound() {
  const { t } = useTranslation();
  return (
    <main id="main" className="mx-auto max-w-xl px-4 py-16">
      <h1 className="mb-3 font-serif text-3xl font-semibold">{t("missing.heading")}</h1>
      <p>
        <Link to="/" className="font-medium text-accent underline underline-offset-4">
          {t("missing.home")}
        </Link>
      </p>
    </main>
  );
}
