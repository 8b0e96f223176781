import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useDeferredValue, useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { chooseTheme } from "~/app/theme";
import { forgetUnasked } from "~/ask/turns";
import { language } from "~/i18n";
import { chooseLanguage } from "~/session/language";
import { Dialog } from "~/ui/dialog";

interface Command {
  id: string;
  name: string;
  kind: string;
  run: () => void;
}

export interface PalettePage {
  name: string;
  go: () => void;
}

/** Things of each kind that are found. */
const MOST = 5;

/** Without marks and case, so that `tai lieu` finds `Tài liệu`. */
function plain(text: string): string {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").replaceAll("Đ", "D").toLowerCase();
}

/** Everything by its name: pages, documents, conversations, and what can be set. Ctrl+K opens it. */
export default function Palette({ pages, onClose }: { pages: readonly PalettePage[]; onClose: () => void }) {
  const { t } = useTranslation();
  const id = useId();
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const wanted = useDeferredValue(text.trim());
  const { data: found = [] } = useQuery({
    queryKey: ["palette", wanted],
    enabled: wanted !== "",
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => {
      const query = { search: wanted, limit: MOST };
      const [documents, conversations] = await Promise.all([
        data(api.GET("/api/v1/documents", { params: { query }, signal })),
        data(api.GET("/api/v1/conversations", { params: { query }, signal })),
      ]);
      return [
        ...documents.data.map((each) => ({ id: each.id, name: each.title, isDocument: true })),
        ...conversations.data.map((each) => ({ id: each.id, name: each.title, isDocument: false })),
      ];
    },
  });

  const fixed: Command[] = [
    ...pages.map((page) => ({ id: page.name, name: page.name, kind: t("palette.page"), run: page.go })),
    { id: "new", name: t("talk.new"), kind: t("palette.action"), run: () => { forgetUnasked(); void navigate({ to: "/" }); } },
    { id: "collections", name: t("collections.heading"), kind: t("palette.page"), run: () => void navigate({ to: "/collections" }) },
    { id: "trash", name: t("trash.heading"), kind: t("palette.page"), run: () => void navigate({ to: "/documents/trash" }) },
    { id: "light", name: t("palette.light"), kind: t("palette.action"), run: () => chooseTheme("light") },
    { id: "dark", name: t("palette.dark"), kind: t("palette.action"), run: () => chooseTheme("dark") },
    { id: "language", name: t("palette.language"), kind: t("palette.action"), run: () => void chooseLanguage(language() === "en" ? "vi" : "en") },
  ];
  const commands: Command[] = [
    ...fixed.filter((each) => plain(each.name).includes(plain(wanted))),
    ...(wanted === "" ? [] : found).map((each): Command => ({
      id: each.id,
      name: each.name,
      kind: t(each.isDocument ? "palette.document" : "palette.conversation"),
      run: () => void (each.isDocument
        ? navigate({ to: "/documents/$documentId", params: { documentId: each.id } })
        : navigate({ to: "/c/$conversationId", params: { conversationId: each.id } })),
    })),
  ];
  const current = Math.min(at, commands.length - 1);

  function run(command: Command | undefined): void {
    if (command === undefined) return;
    onClose();
    command.run();
  }

  return (
    <Dialog heading={t("palette.heading")} onClose={onClose}>
      <input
        role="combobox"
        className="field"
        aria-label={t("palette.label")}
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={current < 0 ? undefined : `${id}-${current}`}
        placeholder={t("palette.label")}
        autoFocus
        maxLength={200}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (step !== 0 && commands.length > 0) {
            event.preventDefault();
            setAt((current + step + commands.length) % commands.length);
          }
          if (event.key === "Enter" && !event.nativeEvent.isComposing) {
            event.preventDefault();
            run(commands[current]);
          }
        }}
      />
      <ul id={`${id}-list`} role="listbox" aria-label={t("palette.heading")} className="mt-3 h-80 overflow-auto">
        {commands.map((command, place) => (
          <li
            key={command.id}
            id={`${id}-${place}`}
            role="option"
            aria-selected={place === current}
            ref={(element) => {
              if (place === current) element?.scrollIntoView({ block: "nearest" });
            }}
            className="flex cursor-pointer items-baseline justify-between gap-4 rounded-lg px-3 py-2 aria-selected:bg-wash aria-selected:ring-2 aria-selected:ring-accent aria-selected:ring-inset"
            onMouseMove={() => setAt(place)}
            onClick={() => run(command)}
          >
            <span className="min-w-0 wrap-anywhere">{command.name}</span>
            <span className="shrink-0 text-sm text-soft">{command.kind}</span>
          </li>
        ))}
      </ul>
      {commands.length === 0 && <p role="status" className="text-soft">{t("palette.none")}</p>}
    </Dialog>
  );
}
