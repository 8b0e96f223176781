import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { AccountForm } from "./account-form";
import { givenBy } from "./links";
import { confirmEmail } from "./session";

/** Confirms a new e-mail address by the link that went there: by a click, as programs open links of mails by themselves. */
export function EmailPage() {
  const { t } = useTranslation();
  const [given] = useState(() => givenBy("email", location.hash));
  const [confirmed, setConfirmed] = useState<string | null>(null);
  if (confirmed !== null) {
    return (
      <main id="main" className="mx-auto w-full max-w-[26rem] px-4 py-[clamp(2rem,12vh,8rem)]">
        <h1 className="mb-2 font-serif text-3xl leading-tight font-semibold">{t("email.confirmHeading")}</h1>
        <p role="status" className="mb-4 wrap-anywhere">{t("email.confirmed", { email: confirmed })}</p>
        <Link to="/" className="button button-main">{t("factor.next")}</Link>
      </main>
    );
  }
  return (
    <AccountForm
      heading={t("email.confirmHeading")}
      intro={given.email === "" ? t("email.confirmToken") : t("email.confirmIntro", { email: given.email })}
      fields={given.token === "" ? [{ name: "token", label: t("email.token"), type: "text", autoComplete: "off" }] : []}
      action={t("email.confirm")}
      onSend={async ({ token = "" }) => setConfirmed(await confirmEmail(given.token || token.trim()))}
    />
  );
}
