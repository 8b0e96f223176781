import { useTranslation } from "react-i18next";

import { useStore } from "~/kit/store";
import { SaveFile } from "~/ui/save-file";

import { ChangePassword } from "./change-password";
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
      <ChangePassword />
      <SecondFactor />
      <Passkeys />
      <section>
        <h2 className="mb-2 font-serif text-xl font-semibold">{t("account.data")}</h2>
        <p className="mb-3 text-soft">{t("account.dataAbout")}</p>
        <SaveFile path="/api/v1/auth/me/data" query={{}} name="my-data.ndjson" label={t("account.dataSave")} />
      </section>
    </main>
  );
}
