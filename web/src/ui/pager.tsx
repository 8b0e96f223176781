import { useTranslation } from "react-i18next";

interface Props {
  page: number;
  pages: number;
  onTurn: (page: number) => void;
}

/** The pages of a list. */
export function Pager({ page, pages, onTurn }: Props) {
  const { t } = useTranslation();
  if (pages <= 1) return null;
  return (
    <nav aria-label={t("documents.paging")} className="mt-4 flex items-center justify-between gap-3">
      <button type="button" className="button button-line" disabled={page <= 1} onClick={() => onTurn(page - 1)}>
        {t("documents.previous")}
      </button>
      <span className="text-sm text-soft">{t("documents.page", { page, pages })}</span>
      <button type="button" className="button button-line" disabled={page >= pages} onClick={() => onTurn(page + 1)}>
        {t("documents.next")}
      </button>
    </nav>
  );
}
