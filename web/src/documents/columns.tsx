import * as Menu from "@radix-ui/react-dropdown-menu";
import { useTranslation } from "react-i18next";

import type { Key } from "~/i18n/key";
import { Store, useStore } from "~/kit/store";
import { Check, Down } from "~/ui/icons";

/** Columns that the list can show of each document. */
const COLUMNS = {
  file: "columns.file",
  folder: "bulk.folder",
  labels: "filters.labels",
  size: "columns.size",
  pages: "columns.pages",
  passages: "columns.passages",
  version: "columns.version",
  level: "level.heading",
  changed: "columns.changed",
} as const satisfies Record<string, Key>;
export type Column = keyof typeof COLUMNS;

const FIRST: readonly Column[] = ["file", "folder", "labels", "size", "pages", "version", "level", "changed"];
const KEPT = "citewell-columns";

function kept(): readonly Column[] {
  const names = localStorage.getItem(KEPT)?.split(",");
  if (names === undefined) return FIRST;
  return (Object.keys(COLUMNS) as Column[]).filter((each) => names.includes(each));
}

/** The columns of this browser. */
export const columns = new Store<readonly Column[]>(kept());

/** Chooses what is shown of each document. */
export function ColumnMenu() {
  const { t } = useTranslation();
  const shown = useStore(columns);

  function turn(column: Column, isOn: boolean): void {
    const next = isOn ? [...shown, column] : shown.filter((each) => each !== column);
    localStorage.setItem(KEPT, next.join(","));
    columns.set(next);
  }

  return (
    <Menu.Root>
      <Menu.Trigger className="button button-bare text-sm">
        {t("columns.heading")}
        <Down />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content align="end" sideOffset={6} className="menu">
          {(Object.keys(COLUMNS) as Column[]).map((column) => (
            <Menu.CheckboxItem
              key={column}
              className="menu-item"
              checked={shown.includes(column)}
              onSelect={(event) => event.preventDefault()}
              onCheckedChange={(isOn) => turn(column, isOn)}
            >
              <span className="w-5">
                <Menu.ItemIndicator>
                  <Check />
                </Menu.ItemIndicator>
              </span>
              {t(COLUMNS[column] as "level.heading")}
            </Menu.CheckboxItem>
          ))}
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  );
}
