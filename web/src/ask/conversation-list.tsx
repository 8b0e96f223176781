import * as Menu from "@radix-ui/react-dropdown-menu";
import { keepPreviousData, useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem } from "~/api/problem";
import type { Conversation } from "~/api/schemas";
import { Store, useStore } from "~/kit/store";
import { useAttempt } from "~/ui/attempt";
import { Dialog } from "~/ui/dialog";
import { More, Pin, Plus } from "~/ui/icons";
import { notifyBefore } from "~/ui/notices";
import { ProblemNote } from "~/ui/problem-note";

import { exported, FORMS, type Form } from "./exporting";
import { forgetUnasked, tellOfChange } from "./turns";

const ROWS = 40;

/** Those about to be deleted: gone from the list, and from the server once it is not undone. */
const leaving = new Store<readonly string[]>([]);

interface Props {
  openId: string | null;
}

/** Conversations beside the page, where there is room. */
export function ConversationSide({ openId }: Props) {
  const { t } = useTranslation();
  return (
    <nav aria-label={t("talk.list")} className="sticky top-14 h-[calc(100dvh-3.5rem)] overflow-y-auto border-e border-line px-3 py-4 max-lg:hidden">
      <List openId={openId} />
    </nav>
  );
}

/** The same before the page, on a small screen. */
export function ConversationDrawer({ openId, onClose }: Props & { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog heading={t("talk.list")} onClose={onClose} isDrawer>
      <List openId={openId} onChosen={onClose} />
    </Dialog>
  );
}

function List({ openId, onChosen }: Props & { onChosen?: () => void }) {
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const [whose, setWhose] = useState<"own" | "shared">("own");
  const hidden = useStore(leaving);
  const wanted = useDeferredValue(search.trim());
  const { data: found, error, refetch, hasNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["conversations", "list", wanted, whose],
    initialPageParam: 1,
    queryFn: ({ pageParam: page, signal }) => {
      const query = { page, limit: ROWS, whose, ...(wanted === "" ? {} : { search: wanted }) };
      return data(api.GET("/api/v1/conversations", { params: { query }, signal }));
    },
    getNextPageParam: ({ pagination }) => (pagination.page < pagination.total_pages ? pagination.page + 1 : undefined),
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: true,
  });
  const all = found?.pages.flatMap((page) => page.data).filter((each) => !hidden.includes(each.id));
  return (
    <>
      <Link
        to="/"
        className="button button-line w-full"
        onClick={() => {
          forgetUnasked();
          onChosen?.();
        }}
      >
        <Plus />
        {t("talk.new")}
      </Link>
      <input
        type="search"
        className="field mt-3 py-1.5 text-sm"
        aria-label={t("talk.search")}
        placeholder={t("talk.search")}
        maxLength={200}
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      <div role="group" aria-label={t("talk.whose")} className="mt-2 mb-2 flex gap-1 text-sm">
        {(["own", "shared"] as const).map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={whose === each}
            className="rounded-md px-2 py-1 text-soft hover:bg-wash aria-pressed:bg-wash aria-pressed:font-semibold aria-pressed:text-ink"
            onClick={() => setWhose(each)}
          >
            {t(each === "own" ? "talk.own" : "talk.shared")}
          </button>
        ))}
      </div>
      {error !== null && <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />}
      {all === undefined && error === null && <div className="skeleton h-40" />}
      {all?.length === 0 && (
        <p className="px-2 py-3 text-sm text-soft">
          {t(wanted !== "" ? "talk.none" : whose === "own" ? "talk.empty" : "talk.emptyShared")}
        </p>
      )}
      <ul>
        {all?.map((each) => (
          <Row key={each.id} conversation={each} isOpen={each.id === openId} {...(onChosen === undefined ? {} : { onChosen })} />
        ))}
      </ul>
      {hasNextPage && (
        <button type="button" className="button button-bare mt-1 w-full text-sm" onClick={() => void fetchNextPage()}>
          {t("action.more")}
        </button>
      )}
    </>
  );
}

function Row({ conversation, isOpen, onChosen }: { conversation: Conversation; isOpen: boolean; onChosen?: () => void }) {
  const { t } = useTranslation();
  const [isRenaming, setIsRenaming] = useState(false);
  const title = conversation.title || t("talk.untitled");
  if (isRenaming) return <Renaming conversation={conversation} onEnd={() => setIsRenaming(false)} />;
  return (
    <li className="group flex items-center rounded-lg has-aria-[current=page]:bg-wash hover:bg-wash">
      <Link
        to="/c/$conversationId"
        params={{ conversationId: conversation.id }}
        aria-current={isOpen ? "page" : undefined}
        className="flex min-w-0 grow items-center gap-1.5 px-2 py-1.5 text-sm aria-[current=page]:font-semibold"
        title={title}
        {...(onChosen === undefined ? {} : { onClick: onChosen })}
      >
        {conversation.is_pinned && <Pin />}
        <span className="truncate">{title}</span>
      </Link>
      <Actions conversation={conversation} title={title} isOpen={isOpen} onRename={() => setIsRenaming(true)} />
    </li>
  );
}

function Renaming({ conversation, onEnd }: { conversation: Conversation; onEnd: () => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const [title, setTitle] = useState(conversation.title);
  async function save(): Promise<void> {
    const wanted = title.trim();
    if (wanted !== "" && wanted !== conversation.title) {
      const isSaved = await attempt(() => changed(conversation.id, { title: wanted }));
      if (!isSaved) return;
    }
    onEnd();
  }
  return (
    <li>
      <form onSubmit={(event) => { event.preventDefault(); void save(); }}>
        <input
          className="field py-1 text-sm"
          aria-label={t("talk.title")}
          autoFocus
          maxLength={200}
          value={title}
          onChange={(event) => setTitle(event.target.value)}
          onBlur={() => void save()}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.preventDefault();
            onEnd();
          }}
        />
      </form>
    </li>
  );
}

async function changed(id: string, body: { title?: string; is_pinned?: boolean; is_shared?: boolean }): Promise<void> {
  await api.PATCH("/api/v1/conversations/{conversation_id}", { params: { path: { conversation_id: id } }, body });
  tellOfChange();
}

function Actions({ conversation, title, isOpen, onRename }: { conversation: Conversation; title: string; isOpen: boolean; onRename: () => void }) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { id, is_own: isOwn, is_pinned: isPinned, is_shared: isShared } = conversation;

  function remove(): void {
    leaving.update((all) => [...all, id]);
    if (isOpen) void navigate({ to: "/" });
    const path = { conversation_id: id };
    notifyBefore(
      t("talk.deleted", { title }),
      () => {
        const gone = api.DELETE("/api/v1/conversations/{conversation_id}", { params: { path }, keepalive: true });
        void attempt(() => gone).then((isGone) => {
          if (!isGone) leaving.update((all) => all.filter((each) => each !== id));
          void queries.invalidateQueries({ queryKey: ["conversations"] });
          tellOfChange();
        });
      },
      () => leaving.update((all) => all.filter((each) => each !== id)),
    );
  }

  return (
    <Menu.Root>
      <Menu.Trigger className="button button-bare min-h-8 px-1.5 lg:opacity-0 lg:group-focus-within:opacity-100 lg:group-hover:opacity-100 lg:data-[state=open]:opacity-100" aria-label={t("talk.actions", { title })}>
        <More />
      </Menu.Trigger>
      <Menu.Content align="end" sideOffset={4} className="menu">
        {isOwn && (
          <>
            <Menu.Item className="menu-item" onSelect={() => setTimeout(onRename)}>{t("talk.rename")}</Menu.Item>
            <Menu.Item className="menu-item" onSelect={() => void attempt(() => changed(id, { is_pinned: !isPinned }))}>
              {t(isPinned ? "talk.unpin" : "talk.pin")}
            </Menu.Item>
            <Menu.Item className="menu-item" onSelect={() => void attempt(() => changed(id, { is_shared: !isShared }))}>
              {t(isShared ? "talk.unshare" : "talk.share")}
            </Menu.Item>
            <Menu.Separator className="my-1 h-px bg-line" />
          </>
        )}
        {(Object.keys(FORMS) as Form[]).map((form) => (
          <Menu.Item key={form} className="menu-item" onSelect={() => void attempt(() => exported(id, title, form))}>
            {t(FORMS[form].name as "talk.json")}
          </Menu.Item>
        ))}
        {isOwn && (
          <>
            <Menu.Separator className="my-1 h-px bg-line" />
            <Menu.Item className="menu-item text-bad" onSelect={remove}>{t("talk.delete")}</Menu.Item>
          </>
        )}
      </Menu.Content>
    </Menu.Root>
  );
}
