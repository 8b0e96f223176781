import { useStore } from "~/kit/store";

import { session } from "./session";

const ROLES = ["guest", "employee", "manager", "director"] as const;
export type Role = (typeof ROLES)[number];

export function useOwnId(): string | null {
  const current = useStore(session);
  return current.status === "in" ? (current.me.user?.id ?? null) : null;
}

/** Pages that the signed-in user may open; the server decides on every request anyway. */
export interface Rights {
  isAdmin: boolean;
  /** At least this role. */
  isAtLeast: (role: Role) => boolean;
}

export function useRights(): Rights {
  const current = useStore(session);
  const user = current.status === "in" ? current.me.user : null;
  const rank = ROLES.findIndex((role) => role === user?.role);
  return {
    isAdmin: user?.is_admin ?? false,
    isAtLeast: (role) => rank >= ROLES.indexOf(role),
  };
}
