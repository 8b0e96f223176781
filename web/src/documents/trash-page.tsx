import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { moment } from "~/kit/format";
import { Store, useStore } from "~/kit/store";
import { useAttempt } from "~/ui/attempt";
import { Listing } from "~/ui/listing";
import { notify, notifyBefore } from "~/ui/notices";
import { Page } from "~/ui/page";

/** Those about to be removed for good. */
const leaving = new Store<readonly string[]>([]);

/** Deleted documents, as long as they can be brought back. */
export function TrashPage() {
  const { t } = useTranslation();
  const attempt = useAttempt();
  const queries = useQueryClient();
  const hidden = useStore(leaving);

  async function restore(id: string, title: string): Promise<void> {
    const isBack = await attempt(() => api.POST("/api/v1/documents/{document_id}/restore", { params: { path: { document_id: id } } }));
    await queries.invalidateQueries({ queryKey: ["documents"] });
    if (isBack) notify(t("trash.restored", { title }));
  }

  function purge(id: string, title: string): void {
    leaving.update((all) => [...all, id]);
    const back = () => leaving.update((all) => all.filter((each) => each !== id));
    notifyBefore(t("trash.purged", { title }), () => {
      const gone = api.DELETE("/api/v1/documents/trash/{document_id}", { params: { path: { document_id: id } }, keepalive: true });
      void attempt(() => gone).then(() => queries.invalidateQueries({ queryKey: ["documents"] })).finally(back);
    }, back);
  }

  return (
    <Page
      heading={t("trash.heading")}
      intro={t("trash.intro")}
      above={<Link to="/documents" className="text-accent underline underline-offset-4">{t("document.all")}</Link>}
    >
      <Listing
        queryKey={["documents", "trash"]}
        read={(query, signal) => data(api.GET("/api/v1/documents/trash", { params: { query }, signal }))}
        empty={t("trash.empty")}
        row={(each) =>
          hidden.includes(each.id) ? null : (
            <div className="flex flex-wrap items-start justify-between gap-3">
              <div className="min-w-0">
                <p className="font-medium wrap-anywhere">{each.title}</p>
                <p className="text-sm text-soft wrap-anywhere">
                  {[each.filename, t("trash.deleted", { when: moment(each.deleted_at) }), t("trash.until", { when: moment(each.purged_after) })].join(" · ")}
                </p>
              </div>
              <div className="flex flex-wrap gap-2">
                <button type="button" className="button button-line text-sm" onClick={() => void restore(each.id, each.title)}>{t("trash.restore")}</button>
                <button type="button" className="button button-bare text-sm text-bad" onClick={() => purge(each.id, each.title)}>{t("trash.purge")}</button>
              </div>
            </div>
          )
        }
      />
    </Page>
  );
}
