import * as Menu from "@radix-ui/react-dropdown-menu";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { withWords } from "~/i18n";
import { day } from "~/kit/format";
import { useStore } from "~/kit/store";
import { Check, Close, Down, Send } from "~/ui/icons";

import { limits, named, NO_LIMITS } from "./scope";
import { draft } from "./turns";

const LimitsPanel = lazy(withWords(() => import("./limits")));

/** As long as the server reads (`features/search/schemas.py`). */
const MAX_CHARACTERS = 4_000;
/** Collections that the menu lists. */
const MOST_COLLECTIONS = 100;

/** The field for questions. Enter asks, Shift+Enter begins a line. */
export function Composer({ onAsk }: { onAsk: (question: string) => void }) {
  const { t } = useTranslation();
  const id = useId();
  const text = useStore(draft);
  const { collectionIds } = useStore(limits);
  const [isOpen, setIsOpen] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);

  useEffect(() => field.current?.focus({ preventScroll: true }), []);

  function send(): void {
    const question = text.trim();
    if (question === "") {
      field.current?.focus();
      return;
    }
    draft.set("");
    onAsk(question);
  }

  return (
    <form
      className="rounded-2xl border border-edge bg-sheet p-2 shadow-sm focus-within:border-accent focus-within:shadow-md"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label htmlFor={id} className="sr-only">
        {t("ask.question")}
      </label>
      <textarea
        ref={field}
        id={id}
        className="field-sizing-content block max-h-[35vh] min-h-11 w-full resize-none bg-transparent px-2.5 py-2 font-serif text-[1.13rem] leading-snug outline-none"
        rows={1}
        maxLength={MAX_CHARACTERS}
        placeholder={t("ask.placeholder")}
        value={text}
        onChange={(event) => draft.set(event.target.value)}
        onKeyDown={(event) => {
          // While an input method composes a syllable, Enter belongs to it.
          if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) {
            event.preventDefault();
            send();
          }
        }}
      />
      {text.length >= MAX_CHARACTERS && <p role="status" className="px-2.5 text-sm text-doubt">{t("ask.full", { count: MAX_CHARACTERS })}</p>}
      <LimitChips />
      <div className="flex items-center gap-1">
        <CollectionFilter selected={collectionIds} />
        <button type="button" className="button button-bare shrink-0 text-sm" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {t("limits.heading")}
          <Down />
        </button>
        <span className="grow" />
        <button type="submit" className="button button-main" disabled={text.trim() === ""}>
          <Send />
          {t("ask.send")}
        </button>
      </div>
      {isOpen && (
        <Suspense fallback={<div className="skeleton mt-2 h-40" />}>
          <LimitsPanel />
        </Suspense>
      )}
    </form>
  );
}

/** The limits that hold, each with a way to drop it: a question must not be narrowed unseen. */
function LimitChips() {
  const { t } = useTranslation();
  const { asOf, filters, viewAs } = useStore(limits);
  const chips = [
    ...(asOf === "" ? [] : [{ name: t("limits.asOfDay", { day: day(`${asOf}T12:00:00`) }), drop: () => limits.update((now) => ({ ...now, asOf: "" })) }]),
    ...named(filters).map((filter) => ({
      name: `${filter.key.trim()}: ${filter.value.trim()}`,
      drop: () => limits.update((now) => ({ ...now, filters: now.filters.filter((each) => each !== filter) })),
    })),
    ...(viewAs === null ? [] : [{ name: t("limits.viewAsUser", { name: viewAs.name }), drop: () => limits.update((now) => ({ ...now, viewAs: null })) }]),
  ];
  if (chips.length === 0) return null;
  return (
    <ul aria-label={t("limits.heading")} className="flex flex-wrap gap-1.5 px-2 pb-1 text-sm">
      {chips.map(({ name, drop }) => (
        <li key={name} className="flex min-w-0 items-center rounded-md border border-doubt/50 ps-2 text-doubt">
          <span className="min-w-0 wrap-anywhere">{name}</span>
          <button type="button" className="grid size-7 shrink-0 place-items-center" aria-label={t("limits.drop", { limit: name })} onClick={drop}>
            <Close />
          </button>
        </li>
      ))}
      {chips.length > 1 && (
        <li>
          <button type="button" className="px-1 py-0.5 text-soft underline underline-offset-4" onClick={() => limits.update((now) => ({ ...NO_LIMITS, collectionIds: now.collectionIds }))}>{t("limits.clear")}</button>
        </li>
      )}
    </ul>
  );
}

function CollectionFilter({ selected }: { selected: readonly string[] }) {
  const { t } = useTranslation();
  const { data: collections = [] } = useQuery({
    queryKey: ["collections"],
    queryFn: async () => {
      const query = { limit: MOST_COLLECTIONS };
      return (await data(api.GET("/api/v1/collections", { params: { query } }))).data;
    },
  });
  const names = collections.filter((each) => selected.includes(each.id)).map((each) => each.name);
  return (
    <Menu.Root>
      <Menu.Trigger className="button button-bare min-w-0 text-sm">
        <span className="truncate">{names.length > 0 ? names.join(", ") : t("ask.everywhere")}</span>
        <Down />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content align="start" sideOffset={6} className="menu" aria-label={t("ask.collections")}>
          {collections.map((collection) => (
            <Menu.CheckboxItem
              key={collection.id}
              className="menu-item"
              checked={selected.includes(collection.id)}
              onSelect={(event) => event.preventDefault()}
              onCheckedChange={(isChosen) =>
                limits.update((now) => ({
                  ...now,
                  collectionIds: isChosen ? [...now.collectionIds, collection.id] : now.collectionIds.filter((each) => each !== collection.id),
                }))
              }
            >
              <span className="w-5">
                <Menu.ItemIndicator>
                  <Check />
                </Menu.ItemIndicator>
              </span>
              <span className="min-w-0 wrap-anywhere">{collection.name}</span>
            </Menu.CheckboxItem>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
