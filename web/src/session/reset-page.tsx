import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { AccountForm } from "./account-form";
import { givenBy } from "./links";
import { reset } from "./session";
import { takeWayBack } from "./way-back";

/** A new password for an account. The token comes behind the # of the link, which no server sees. */
export function ResetPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [{ token, email }] = useState(() => givenBy("reset", location.hash));
  return (
    <AccountForm
      heading={t("reset.heading")}
      intro={t("reset.intro")}
      initial={{ email }}
      fields={[
        ...(token === "" ? [{ name: "reset", label: t("reset.token"), type: "text" as const, autoComplete: "off" }] : []),
        { name: "email", label: t("account.email"), type: "email", autoComplete: "username", hint: t("reset.emailHint") },
        { name: "password", label: t("account.password"), type: "password", autoComplete: "new-password", hint: t("account.passwordHint") },
      ]}
      action={t("reset.action")}
      onSend={async (values) => {
        await reset({
          reset: token || (values["reset"] ?? "").trim(),
          email: values["email"] ?? "",
          password: values["password"] ?? "",
        });
        const back = takeWayBack(localStorage, location.pathname);
        // Loaded anew, as the page reads the query that it was opened with.
        if (back === null) await navigate({ to: "/", replace: true });
        else location.replace(back);
      }}
    />
  );
}
