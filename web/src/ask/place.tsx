import { useTranslation } from "react-i18next";

interface Props {
  /** Shown beside it, so the heading does not begin with it again. */
  title: string;
  page: number | null;
  heading: string | null | undefined;
  version: number;
}

/** Where a passage stands: page, heading, version. */
export function Place({ title, page, heading, version }: Props) {
  const { t } = useTranslation();
  const within = heading?.split(" > ").filter((part, at) => at > 0 || part !== title) ?? [];
  const parts = [
    within.length === 0 ? null : within.join(" › "),
    page === null ? null : t("place.page", { page }),
    t("place.version", { version }),
  ];
  return (
    <p className="text-sm text-soft wrap-anywhere">
      {parts.filter((part) => part !== null).join(" · ")}
    </p>
  );
}
