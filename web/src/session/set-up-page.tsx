import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { AccountForm, type Field } from "./account-form";
import { setUp } from "./session";

/** The first account of an installation. Its token comes behind the # of the link, which no server sees. */
export function SetUpPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [given] = useState(() => decodeURIComponent(location.hash.slice(1)));
  const token: Field = { name: "token", label: t("setup.token"), type: "text", autoComplete: "off", hint: t("setup.tokenHint") };
  return (
    <AccountForm
      heading={t("setup.heading")}
      intro={t("setup.intro")}
      fields={[
        ...(given === "" ? [token] : []),
        { name: "name", label: t("account.optionalName"), type: "text", autoComplete: "name", isOptional: true },
        { name: "email", label: t("account.email"), type: "email", autoComplete: "username" },
        { name: "password", label: t("account.password"), type: "password", autoComplete: "new-password", hint: t("account.passwordHint") },
      ]}
      action={t("setup.action")}
      onSend={async (values) => {
        await setUp({
          token: given || (values["token"] ?? "").trim(),
          name: values["name"] ?? "",
          email: values["email"] ?? "",
          password: values["password"] ?? "",
        });
        await navigate({ to: "/", replace: true });
      }}
    />
  );
}
