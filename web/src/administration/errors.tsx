import { useTranslation } from "react-i18next";

import { api, data } from "~/api/client";
import { moment } from "~/kit/format";
import { Listing } from "~/ui/listing";

/** Errors of the program itself, each kind once. */
export function Errors() {
  const { t } = useTranslation();
  return (
    <section>
      <h2 className="mb-2 font-serif text-xl font-semibold">{t("errors.heading")}</h2>
      <Listing
        queryKey={["errors"]}
        limit={10}
        read={async (page, signal) => {
          const found = await data(api.GET("/api/v1/errors", { params: { query: page }, signal }));
          return { ...found, data: found.data.map((each) => ({ ...each, id: each.fingerprint })) };
        }}
        empty={t("errors.none")}
        row={(each) => (
          <>
            <p className="font-medium wrap-anywhere">{each.kind}{each.example !== "" && <span className="font-normal text-soft">: {each.example}</span>}</p>
            <p className="text-sm text-soft wrap-anywhere">{[t("errors.seen", { count: each.count, first: moment(each.first_at), last: moment(each.last_at) }), each.source, each.request_id].filter((part) => part !== null).join(" · ")}</p>
            <details>
              <summary className="text-sm text-accent">{t("errors.calls")}</summary>
              <pre className="mt-1 max-h-60 overflow-auto rounded bg-wash p-2 text-sm whitespace-pre-wrap wrap-anywhere" tabIndex={0}>{each.frames.join("\n")}</pre>
            </details>
          </>
        )}
      />
    </section>
  );
}
