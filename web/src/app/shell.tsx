import * as Menu from "@radix-ui/react-dropdown-menu";
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { forgetTurns, lastOpen } from "~/ask/turns";
import { forgetUploads } from "~/documents/uploads";
import { LANGUAGES, language, withWords, type Language } from "~/i18n";
import type { Key } from "~/i18n/key";
import { useStore } from "~/kit/store";
import { chooseLanguage } from "~/session/language";
import { operatorKey } from "~/operator/operator-key";
import { useRights, type Rights } from "~/session/rights";
import { session, signOut } from "~/session/session";
import { SignInPage } from "~/session/sign-in-page";
import { takeWayBack } from "~/session/way-back";
import { Check, Find, More, Person } from "~/ui/icons";
import { notify, Notices } from "~/ui/notices";
import { ProblemNote } from "~/ui/problem-note";

import { chooseTheme, theme, THEMES, type Theme } from "./theme";

const Palette = lazy(withWords(() => import("~/palette/palette")));

const THEME_NAMES: Record<Theme, Key> = {
  system: "theme.system",
  light: "theme.light",
  dark: "theme.dark",
};

interface Place {
  to: "/" | "/documents" | "/agents" | "/workflows" | "/quality" | "/analytics" | "/administration";
  name: Key;
  /** Beginnings of other addresses that belong to it. */
  within: readonly string[];
  isFor?: (rights: Rights) => boolean;
}

/** Pages in the navigation, in its order; on a phone all behind the second are in a menu. */
const PLACES: readonly Place[] = [
  { to: "/", name: "nav.ask", within: ["/c/"] },
  { to: "/documents", name: "nav.documents", within: ["/documents", "/collections"] },
  { to: "/agents", name: "nav.agents", within: ["/agent"] },
  { to: "/workflows", name: "nav.workflows", within: ["/workflow"] },
  { to: "/quality", name: "nav.quality", within: ["/quality"], isFor: ({ isAtLeast }) => isAtLeast("director") },
  { to: "/analytics", name: "nav.analytics", within: ["/analytics"], isFor: ({ isAtLeast }) => isAtLeast("manager") },
  { to: "/administration", name: "nav.admin", within: ["/administration"] },
];
const ON_PHONES = 2;

/** Pages that need no session. */
const OPEN_PAGES = ["/setup", "/join", "/reset", "/forgot", "/email", "/operator"];

/** The place of an address. */
function placeOf(path: string): Place | undefined {
  return PLACES.find(({ to, within }) => path === to || within.some((beginning) => path.startsWith(beginning)));
}

/** The frame of every page: navigation, account, and the sign-in for those without a session. */
export function Shell() {
  const { t, i18n } = useTranslation();
  const current = useStore(session);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const conversationId = useStore(lastOpen);
  const isOpen = OPEN_PAGES.includes(path);
  const rights = useRights();
  const isIn = current.status === "in" && !isOpen;
  const places = PLACES.filter(({ isFor }) => isFor?.(rights) ?? true);
  useForgetting(current.status === "in" ? current.me.user?.id ?? null : null, current.status === "out" && !current.hasExpired);

  useEffect(() => {
    const back = isIn ? takeWayBack(sessionStorage, location.pathname) : null;
    // Loaded anew, as the page reads the query that it was opened with.
    if (back !== null) location.replace(back);
  }, [isIn]);

  useEffect(() => {
    const place = placeOf(path);
    document.title = place === undefined || !isIn ? "Citewell" : `${t(place.name as "nav.ask")} · Citewell`;
  }, [path, isIn, t, i18n.language]);

  return (
    <>
      <a href="#main" className="button button-main fixed start-2 top-2 z-50 not-focus:sr-only">
        {t("nav.skip")}
      </a>
      <header className="sticky top-0 z-20 flex h-14 items-center gap-1 border-b border-line bg-paper px-3 sm:gap-3 sm:px-6">
        <Link to="/" className="me-1 flex items-center gap-2 font-serif text-lg font-semibold tracking-tight sm:me-4">
          <Logo />
          <span className="max-[26rem]:sr-only">Citewell</span>
        </Link>
        {isIn && (
          <nav aria-label={t("nav.label")} className="flex gap-1">
            {places.map(({ to, name }, at) => (
              <Link
                key={to}
                {...(to === "/" && conversationId !== null ? { to: "/c/$conversationId", params: { conversationId } } : { to })}
                aria-current={placeOf(path)?.to === to ? "page" : undefined}
                className={`rounded-md px-2.5 py-1.5 text-soft hover:bg-wash hover:text-ink aria-[current=page]:font-semibold aria-[current=page]:text-ink aria-[current=page]:underline aria-[current=page]:decoration-accent aria-[current=page]:decoration-2 aria-[current=page]:underline-offset-[0.45em] ${at >= ON_PHONES ? "max-md:hidden" : ""}`}
              >
                {t(name as "nav.ask")}
              </Link>
            ))}
            <MorePlaces places={places.slice(ON_PHONES)} current={placeOf(path)} />
          </nav>
        )}
        <span className="grow" />
        {isIn && <Finder places={places} />}
        <Preferences />
      </header>
      {isOpen || current.status === "in" ? (
        <Outlet />
      ) : current.status === "out" ? (
        <SignInPage hasExpired={current.hasExpired} />
      ) : current.status === "unreachable" ? (
        <main id="main" className="mx-auto max-w-xl p-6">
          <ProblemNote problem={current.problem} onRetry={() => location.reload()} />
        </main>
      ) : (
        <main id="main" aria-busy="true" />
      )}
      <Notices />
    </>
  );
}

/** Nothing of one person stays for the next; after a session that ran out the same one goes on. */
function useForgetting(userId: string | null, hasLeft: boolean): void {
  const queries = useQueryClient();
  const lastUser = useRef<string | null>(null);
  useEffect(() => {
    const isAnother = userId !== null && lastUser.current !== null && lastUser.current !== userId;
    if (userId !== null) lastUser.current = userId;
    if (!hasLeft && !isAnother) return;
    forgetTurns();
    forgetUploads();
    operatorKey.set(null);
    queries.clear();
  }, [userId, hasLeft, queries]);
}

/** Opens the palette, by a button or Ctrl+K. */
function Finder({ places }: { places: readonly Place[] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      setIsOpen(true);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  const pages = places.map(({ to, name }) => ({ name: t(name as "nav.ask"), go: () => void navigate({ to }) }));
  return (
    <>
      <button type="button" className="button button-bare" aria-label={t("palette.open")} title={t("palette.open")} onClick={() => setIsOpen(true)}>
        <Find />
      </button>
      {isOpen && (
        <Suspense>
          <Palette pages={pages} onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  );
}

/** On a phone: the pages that have no room. */
function MorePlaces({ places, current }: { places: readonly Place[]; current: Place | undefined }) {
  const { t } = useTranslation();
  const open = places.find((each) => each === current);
  return (
    <Menu.Root>
      <Menu.Trigger
        className="button button-bare px-1.5 data-current:text-ink data-current:shadow-[inset_0_-2px_var(--accent)] md:hidden"
        aria-label={open === undefined ? t("nav.more") : t("nav.moreAt", { page: t(open.name as "nav.ask") })}
        data-current={open === undefined ? undefined : ""}
      >
        <More />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content align="end" sideOffset={6} className="menu">
          {places.map(({ to, name }) => (
            <Menu.Item key={to} asChild className="menu-item aria-[current=page]:font-semibold">
              <Link to={to} aria-current={open?.to === to ? "page" : undefined}>{t(name as "nav.ask")}</Link>
            </Menu.Item>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

function Logo() {
  return (
    <svg aria-hidden="true" viewBox="0 0 32 32" className="size-7">
      <rect width="32" height="32" rx="7" fill="#1f3a4d" />
      <rect x="6" y="13" width="20" height="7" rx="1.5" fill="#f2cf5b" />
      <path d="M8 9.5h16M8 23.5h10" stroke="#fff" strokeWidth="2" strokeLinecap="round" />
      <path d="M8 16.5h16" stroke="#1f3a4d" strokeWidth="2" strokeLinecap="round" />
    </svg>
  );
}

/** Language, colours, and for those signed in who they are and the way out. */
function Preferences() {
  const { t } = useTranslation();
  const current = useStore(session);
  const colours = useStore(theme);
  const me = current.status === "in" ? current.me : null;

  async function leave(): Promise<void> {
    try {
      await signOut();
    } catch {
      notify(t("signin.leftOffline"));
    }
  }

  return (
    <Menu.Root>
      <Menu.Trigger className="button button-bare" aria-label={t("menu.label")} title={t("menu.label")}>
        <Person />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content align="end" sideOffset={6} className="menu">
          {me !== null && (
            <>
              <Menu.Label className="px-2.5 py-1.5">
                <span className="block font-semibold wrap-anywhere">{me.user?.name || me.user?.email}</span>
                <span className="block text-sm text-soft wrap-anywhere">{me.tenant.name}</span>
              </Menu.Label>
              <Menu.Separator className="my-1 h-px bg-line" />
            </>
          )}
          <Menu.Label className="px-2.5 pt-1.5 text-sm text-soft">{t("menu.language")}</Menu.Label>
          <Menu.RadioGroup value={language()} onValueChange={(value) => void chooseLanguage(value as Language)}>
            {Object.entries(LANGUAGES).map(([code, name]) => (
              <Choice key={code} value={code} name={name} lang={code} />
            ))}
          </Menu.RadioGroup>
          <Menu.Separator className="my-1 h-px bg-line" />
          <Menu.Label className="px-2.5 pt-1.5 text-sm text-soft">{t("menu.theme")}</Menu.Label>
          <Menu.RadioGroup value={colours} onValueChange={(value) => chooseTheme(value as Theme)}>
            {THEMES.map((each) => (
              <Choice key={each} value={each} name={t(THEME_NAMES[each] as "theme.dark")} />
            ))}
          </Menu.RadioGroup>
          {me !== null && (
            <>
              <Menu.Separator className="my-1 h-px bg-line" />
              <Menu.Item asChild className="menu-item">
                <Link to="/account">{t("menu.account")}</Link>
              </Menu.Item>
              <Menu.Item className="menu-item" onSelect={() => void leave()}>
                {t("menu.signOut")}
              </Menu.Item>
            </>
          )}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}

function Choice({ value, name, lang }: { value: string; name: string; lang?: string }) {
  return (
    <Menu.RadioItem value={value} className="menu-item" lang={lang}>
      <span className="w-5">
        <Menu.ItemIndicator>
          <Check />
        </Menu.ItemIndicator>
      </span>
      {name}
    </Menu.RadioItem>
  );
}
