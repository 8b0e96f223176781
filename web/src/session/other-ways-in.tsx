import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { asProblem, Problem } from "~/api/problem";
import { ProblemNote } from "~/ui/problem-note";

import { openedWith } from "./links";
import { hasPasskeys } from "./passkey";
import { signInWithPasskey, waysIn } from "./session";
import { keepWayBack } from "./way-back";

/** Why a provider of single sign-on has sent somebody back; behind the # of the address, and shown once. */
function refusal(): Problem | null {
  const given = new URLSearchParams(location.hash.slice(1));
  const code = given.get("refused");
  if (code === null) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  return new Problem(code, given.get("detail") ?? "", 403);
}

/** Ways in besides a password: passkeys where they work, and the installation's providers. */
export function OtherWaysIn() {
  const { t } = useTranslation();
  const [problem, setProblem] = useState(refusal);
  const { data: ways } = useQuery({ queryKey: ["ways-in"], queryFn: waysIn });
  const hasKeys = hasPasskeys();

  async function unlock(): Promise<void> {
    setProblem(null);
    try {
      await signInWithPasskey();
    } catch (error) {
      setProblem(asProblem(error));
    }
  }

  if (!hasKeys && problem === null && (ways?.providers.length ?? 0) === 0) return null;
  return (
    <div className="mt-4 space-y-3">
      {problem !== null && <ProblemNote problem={problem} />}
      {hasKeys && <button type="button" className="button button-line w-full" onClick={() => void unlock()}>{t("passkey.signIn")}</button>}
      {ways?.providers.map(({ name, label }) => (
        <a
          key={name}
          className="button button-line w-full"
          href={`/api/v1/auth/oidc/${name}/start`}
          onClick={() => keepWayBack(sessionStorage, location.pathname, openedWith)}
        >
          {t("signin.with", { provider: label })}
        </a>
      ))}
    </div>
  );
}
