import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { WithCode } from "~/ui/with-code";

import { AccountForm, type Field } from "./account-form";
import { setUp, waysIn } from "./session";

/** The first account of an installation. Its token comes behind the # of the link, which no server sees. */
export function SetUpPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [given] = useState(() => decodeURIComponent(location.hash.slice(1)));
  const { data: ways } = useQuery({ queryKey: ["ways-in"], queryFn: waysIn });
  if (ways?.sets_up === false) return <InUse />;
  const token: Field = { name: "token", label: t("setup.token"), type: "text", autoComplete: "off", hint: <WithCode text={t("setup.tokenHint")} /> };
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

/** The page once somebody is there: no token works any more, so no form is shown. */
function InUse() {
  const { t } = useTranslation();
  return (
    <main id="main" className="mx-auto w-full max-w-[26rem] px-4 py-[clamp(2rem,12vh,8rem)]">
      <h1 className="mb-2 font-serif text-3xl leading-tight font-semibold">{t("setup.inUse")}</h1>
      <p className="mb-6 text-soft"><WithCode text={t("setup.inUseAbout")} /></p>
      <Link to="/" className="button button-main w-full">{t("signin.action")}</Link>
    </main>
  );
}
