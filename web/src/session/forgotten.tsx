import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { waysIn } from "./session";

/** The way to a new password, where the installation sends mail. */
export function ForgottenPassword() {
  const { t } = useTranslation();
  const { data: ways } = useQuery({ queryKey: ["ways-in"], queryFn: waysIn });
  if (ways?.resets_passwords !== true) return null;
  return (
    <p className="mt-4">
      <Link to="/forgot" className="font-medium text-accent underline underline-offset-4">{t("forgot.link")}</Link>
    </p>
  );
}
