import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Key } from "~/i18n/key";
import { useStore } from "~/kit/store";
import { useRights } from "~/session/rights";
import { session } from "~/session/session";

export const ROLE_NAMES = {
  guest: "role.guest",
  employee: "role.employee",
  manager: "role.manager",
  director: "role.director",
} as const satisfies Record<string, Key>;

export type RoleName = keyof typeof ROLE_NAMES;
export const ROLES = Object.keys(ROLE_NAMES) as RoleName[];

/** Names do not change while a page is looked at. */
const KEPT_MS = 300_000;

/** A user by name for administrators and for themselves; others are shown ids of other people only. */
export function UserName({ id }: { id: string | null }) {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  const current = useStore(session);
  const own = current.status === "in" ? current.me.user : null;
  const { data: user } = useQuery({
    queryKey: ["users", "one", id],
    enabled: isAdmin && id !== null && id !== own?.id,
    staleTime: KEPT_MS,
    retry: false,
    queryFn: () => data(api.GET("/api/v1/users/{user_id}", { params: { path: { user_id: id ?? "" } } })),
  });
  if (id === null) return <>{t("user.nobody")}</>;
  const named = id === own?.id ? own : user;
  return <span className="wrap-anywhere">{named === undefined || named === null ? id : named.name || named.email}</span>;
}

export function GroupName({ id }: { id: string }) {
  const { data: group } = useQuery({
    queryKey: ["groups", "one", id],
    staleTime: KEPT_MS,
    retry: false,
    queryFn: () => data(api.GET("/api/v1/groups/{group_id}", { params: { path: { group_id: id } } })),
  });
  return <span className="wrap-anywhere">{group === undefined ? id : group.name}</span>;
}
