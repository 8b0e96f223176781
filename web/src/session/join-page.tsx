import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { AccountForm } from "./account-form";
import { join } from "./session";

/** The account of somebody invited. The invitation comes behind the # of the link, which no server sees. */
export function JoinPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [given] = useState(() => new URLSearchParams(location.hash.slice(1)));
  const invitation = given.get("invitation") ?? "";
  return (
    <AccountForm
      heading={t("join.heading")}
      intro={t("join.intro")}
      initial={{ email: given.get("email") ?? "" }}
      fields={[
        ...(invitation === "" ? [{ name: "invitation", label: t("join.invitation"), type: "text" as const, autoComplete: "off" }] : []),
        { name: "name", label: t("account.optionalName"), type: "text", autoComplete: "name", isOptional: true },
        { name: "email", label: t("account.email"), type: "email", autoComplete: "username", hint: t("join.emailHint") },
        { name: "password", label: t("account.password"), type: "password", autoComplete: "new-password", hint: t("account.passwordHint") },
      ]}
      action={t("setup.action")}
      onSend={async (values) => {
        await join({
          invitation: invitation || (values["invitation"] ?? "").trim(),
          name: values["name"] ?? "",
          email: values["email"] ?? "",
          password: values["password"] ?? "",
        });
        await navigate({ to: "/", replace: true });
      }}
    />
  );
}
