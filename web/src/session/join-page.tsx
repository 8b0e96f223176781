import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { AccountForm } from "./account-form";
import { givenBy } from "./links";
import { join } from "./session";

/** The account of somebody invited. The invitation comes behind the # of the link, which no server sees. */
export function JoinPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [{ token: invitation, email }] = useState(() => givenBy("join", location.hash));
  return (
    <AccountForm
      heading={t("join.heading")}
      intro={t("join.intro")}
      initial={{ email }}
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
