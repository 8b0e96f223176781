import { useTranslation } from "react-i18next";

interface Props {
  /** Shown beside it, so the heading does not begin with it again. */
  title: string;
  page: number | null;
  /** Name of the sheet of a workbook. */
  sheet: string | null | undefined;
  heading: string | null | undefined;
  version: number;
}

/** Where a passage stands: page or sheet, heading, version. */
export function Place({ title, page, sheet, heading, version }: Props) {
  const { t } = useTranslation();
  const within = heading?.split(" > ").filter((part, at) => at > 0 || part !== title).filter((part) => part !== sheet) ?? [];
  const parts = [
    within.length === 0 ? null : within.join(" › "),
    sheet != null ? t("place.sheet", { sheet }) : page === null ? null : t("place.page", { page }),
    t("place.version", { version }),
  ];
  return (
    <p className="text-sm text-soft wrap-anywhere">
      {parts.filter((part) => part !== null).join(" · ")}
    </p>
  );
}
