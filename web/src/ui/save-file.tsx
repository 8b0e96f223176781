import { useTranslation } from "react-i18next";

import { problemOf } from "~/api/problem";
import { saveOriginal } from "~/reader/original";
import { authorisedFetch } from "~/session/session";
import { useAttempt } from "~/ui/attempt";

interface Props {
  path: string;
  query: Record<string, string>;
  name: string;
  label?: string;
}

/** Saves what a route gives as a file. */
export function SaveFile({ path, query, name, label }: Props) {
  const { t } = useTranslation();
  const attempt = useAttempt();
  async function save(): Promise<void> {
    await attempt(async () => {
      const address = new URL(path, location.origin);
      for (const [key, value] of Object.entries(query)) address.searchParams.set(key, value);
      const reply = await authorisedFetch(new Request(address));
      if (!reply.ok) throw await problemOf(reply);
      saveOriginal(await reply.blob(), name);
    });
  }
  return <button type="button" className="button button-line" onClick={() => void save()}>{label ?? t("audit.csv")}</button>;
}
