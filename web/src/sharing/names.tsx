import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import type { Key } from "~/i18n/key";
import { useRights } from "~/session/rights";

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

/** A user by name for administrators; others are shown ids of other people only. */
export function UserName({ id }: { id: string | null }) {
  const { t } = useTranslation();
  const { isAdmin } = useRights();
  const { data: user } = useQuery({
    queryKey: ["users", "one", id],
    enabled: isAdmin && id !== null,
    staleTime: KEPT_MS,
    retry: false,
    queryFn: () => data(api.GET("/api/v1/users/{user_id}", { params: { path: { user_id: id ?? "" } } })),
  });
  if (id === null) return <>{t("user.nobody")}</>;
  return <span className="wrap-anywhere">{user === undefined ? id : user.name || user.email}</span>;
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
