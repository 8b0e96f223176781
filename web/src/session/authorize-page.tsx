import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { asProblem, Problem } from "~/api/problem";
import { useAttempt } from "~/ui/attempt";
import { CheckField } from "~/ui/fields";
import { ProblemNote } from "~/ui/problem-note";

import { openedWith } from "./links";
import { leadsAway } from "./way-back";

/** Parameters that a program has to send along. */
const NEEDED = ["client_id", "redirect_uri", "response_type", "code_challenge"];
const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

/** Asks whether a program may act for the person who is signed in; it has sent them here. */
export function AuthorizePage() {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const [asked] = useState(() => new URLSearchParams(openedWith));
  const [isSent, setIsSent] = useState(false);
  const [mayWrite, setMayWrite] = useState(true);
  const given = (name: string) => asked.get(name) ?? "";
  const request = {
    client_id: given("client_id"),
    redirect_uri: given("redirect_uri"),
    scope: given("scope"),
    ...(asked.has("resource") ? { resource: given("resource") } : {}),
  };
  const lacking = NEEDED.filter((name) => given(name) === "");
  const { data: shown, error, refetch } = useQuery({
    queryKey: ["oauth", openedWith],
    enabled: lacking.length === 0,
    retry: false,
    queryFn: () => data(api.GET("/api/v1/auth/oauth/request", { params: { query: request } })),
  });

  async function decide(approve: boolean): Promise<void> {
    setIsSent(true);
    const isDone = await attempt(async () => {
      const body = {
        ...request,
        approve,
        scope: shown?.scopes.includes("write") === true && mayWrite ? "read write" : "read",
        code_challenge: given("code_challenge"),
        // Left out they mean something else (RFC 7636, 4.3), which the server refuses.
        code_challenge_method: (asked.get("code_challenge_method") ?? "plain") as "S256",
        response_type: given("response_type") as "code",
        ...(asked.has("state") ? { state: given("state") } : {}),
      };
      const { redirect_to: target } = await data(api.POST("/api/v1/auth/oauth/grants", { body }));
      if (!leadsAway(target)) throw new Problem("invalid_redirect_uri", target, 400);
      location.assign(target);
    });
    if (!isDone) setIsSent(false);
  }

  return (
    <main id="main" className="mx-auto w-full max-w-[32rem] px-4 py-[clamp(2rem,10vh,7rem)]">
      {lacking.length > 0 ? (
        <>
          <h1 className="mb-3 font-serif text-3xl leading-tight font-semibold">{t("oauth.lacking")}</h1>
          <p className="text-soft wrap-anywhere">{t("oauth.lacks", { names: lacking.join(", ") })}</p>
        </>
      ) : error !== null ? (
        <ProblemNote problem={asProblem(error)} onRetry={() => void refetch()} />
      ) : shown === undefined ? (
        <div className="skeleton h-64" />
      ) : (
        <>
          <h1 className="mb-3 font-serif text-3xl leading-tight font-semibold wrap-anywhere">{t("oauth.heading", { name: shown.client_name })}</h1>
          <p className="mb-4 text-soft wrap-anywhere">
            {t("oauth.unchecked")} {LOOPBACK.includes(shown.redirect_host) ? t("oauth.here") : t("oauth.goes", { host: shown.redirect_host })}
          </p>
          <p className="mb-1 font-medium">{t("oauth.may")}</p>
          <ul className="mb-2 list-disc ps-5">
            <li>{t("oauth.read")}</li>
          </ul>
          {shown.scopes.includes("write") && <div className="mb-4"><CheckField label={t("oauth.write")} isOn={mayWrite} onChange={setMayWrite} /></div>}
          <p className="mb-6 text-sm text-soft">{t("oauth.until", { count: shown.expires_in_days })}</p>
          <div className="flex flex-wrap gap-3">
            <button type="button" className="button button-main" disabled={isSent} onClick={() => void decide(true)}>{t("oauth.allow")}</button>
            <button type="button" className="button button-line" disabled={isSent} onClick={() => void decide(false)}>{t("oauth.deny")}</button>
          </div>
        </>
      )}
    </main>
  );
}
