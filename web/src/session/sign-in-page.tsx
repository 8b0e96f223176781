import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { asProblem } from "~/api/problem";
import type { SecondFactorOffer } from "~/api/schemas";
import { WithCode } from "~/ui/with-code";

import { AccountForm, type Field } from "./account-form";
import { ForgottenPassword } from "./forgotten";
import { OtherWaysIn } from "./other-ways-in";
import { AppPicture, RecoveryCodes } from "./second-factor";
import { offerSecondFactor, signIn, waysIn, type Credentials, type Entrance } from "./session";

/** How far somebody is: password, then perhaps a code, before which an app may have to be set up. */
type Step =
  | { name: "password" }
  | { name: "code"; credentials: Credentials; offer: SecondFactorOffer | null }
  | { name: "codes"; entrance: Entrance };

export function SignInPage({ hasExpired }: { hasExpired: boolean }) {
  const { t } = useTranslation();
  const { data: ways } = useQuery({ queryKey: ["ways-in"], queryFn: waysIn });
  const [step, setStep] = useState<Step>({ name: "password" });

  async function send(credentials: Credentials): Promise<void> {
    const entrance = await signIn(credentials);
    if (entrance.recoveryCodes.length > 0) setStep({ name: "codes", entrance });
    else await entrance.enter();
  }

  async function begin(credentials: Credentials): Promise<void> {
    try {
      await send(credentials);
    } catch (error) {
      const { code } = asProblem(error);
      if (code === "second_factor_needed") setStep({ name: "code", credentials, offer: null });
      else if (code === "second_factor_setup_needed") setStep({ name: "code", credentials, offer: await offerSecondFactor(credentials) });
      else throw error;
    }
  }

  if (step.name === "codes") {
    return (
      <main id="main" className="mx-auto w-full max-w-[26rem] px-4 py-[clamp(2rem,12vh,8rem)]">
        <h1 className="mb-4 font-serif text-3xl leading-tight font-semibold">{t("factor.codes")}</h1>
        <RecoveryCodes codes={step.entrance.recoveryCodes} />
        <button type="button" className="button button-main mt-4 w-full" onClick={() => void step.entrance.enter()}>{t("factor.kept")}</button>
      </main>
    );
  }
  if (step.name === "code") {
    const code: Field = { name: "code", label: t("factor.code"), type: "text", autoComplete: "one-time-code", hint: t("factor.codeHint") };
    return (
      <AccountForm
        key="code"
        heading={t(step.offer === null ? "factor.heading" : "factor.setUp")}
        intro={step.offer === null ? t("factor.intro") : <AppPicture offer={step.offer} />}
        fields={[code]}
        action={t("signin.action")}
        onSend={({ code: typed = "" }) => send({ ...step.credentials, code: typed.trim() })}
      />
    );
  }
  return (
    <AccountForm
      key="password"
      heading={t("signin.heading")}
      intro={t(hasExpired ? "signin.expired" : "signin.intro")}
      fields={[
        { name: "email", label: t("account.email"), type: "email", autoComplete: "username" },
        { name: "password", label: t("account.password"), type: "password", autoComplete: "current-password" },
      ]}
      action={t("signin.action")}
      footer={ways?.sets_up === true ? <WithCode text={t("signin.first")} /> : undefined}
      beside={
        <>
          <ForgottenPassword />
          <OtherWaysIn />
        </>
      }
      onSend={({ email = "", password = "" }) => begin({ email, password })}
    />
  );
}
