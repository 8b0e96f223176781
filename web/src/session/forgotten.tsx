import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { openedWith } from "./links";
import { waysIn } from "./session";
import { keepWayBack } from "./way-back";

/** The way to a new password, where the installation sends mail. */
export function ForgottenPassword() {
  const { t } = useTranslation();
  const { data: ways } = useQuery({ queryKey: ["ways-in"], queryFn: waysIn });
  if (ways?.resets_passwords !== true) return null;
  return (
    <p className="mt-4">
      <Link
        to="/forgot"
        className="font-medium text-accent underline underline-offset-4"
        // The mailed link opens a tab of its own, which has not the storage of this one.
        onClick={() => keepWayBack(localStorage, location.pathname, openedWith)}
      >
        {t("forgot.link")}
      </Link>
    </p>
  );
}
