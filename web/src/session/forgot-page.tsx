import { useState } from "react";
import { useTranslation } from "react-i18next";

import { AccountForm } from "./account-form";
import { remind } from "./session";

/** Asks for a link to set a new password. What follows is the same for every address. */
export function ForgotPage() {
  const { t } = useTranslation();
  const [sent, setSent] = useState<string | null>(null);
  if (sent !== null) {
    return (
      <main id="main" className="mx-auto w-full max-w-[26rem] px-4 py-[clamp(2rem,12vh,8rem)]">
        <h1 className="mb-2 font-serif text-3xl leading-tight font-semibold">{t("forgot.heading")}</h1>
        <p role="status" className="wrap-anywhere">{t("forgot.sent", { email: sent })}</p>
      </main>
    );
  }
  return (
    <AccountForm
      heading={t("forgot.heading")}
      intro={t("forgot.intro")}
      fields={[{ name: "email", label: t("account.email"), type: "email", autoComplete: "username" }]}
      action={t("forgot.action")}
      onSend={async ({ email = "" }) => {
        await remind(email.trim());
        setSent(email.trim());
      }}
    />
  );
}
