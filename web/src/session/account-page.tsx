import { useTranslation } from "react-i18next";

import { useStore } from "~/kit/store";

import { EmailAddress } from "./email-address";
import { Passkeys } from "./passkeys";
import { SecondFactor } from "./second-factor";
import { session } from "./session";

/** The account of the person who is signed in, and what they sign in with. */
export function AccountPage() {
  const { t } = useTranslation();
  const current = useStore(session);
  const user = current.status === "in" ? current.me.user : null;
  return (
    <main id="main" className="mx-auto w-full max-w-2xl space-y-8 px-4 py-8">
      <header>
        <h1 className="font-serif text-3xl leading-tight font-semibold">{t("account.heading")}</h1>
        <p className="mt-1 text-soft wrap-anywhere">{user?.email}</p>
      </header>
      {user !== null && <EmailAddress email={user.email} />}
      <SecondFactor />
      <Passkeys />
    </main>
  );
}
