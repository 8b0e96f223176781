import { useTranslation } from "react-i18next";

/** In the place of a conversation that is on its way. */
export function Loading() {
  const { t } = useTranslation();
  return (
    <div className="space-y-4 py-10" role="status">
      <span className="sr-only">{t("talk.loading")}</span>
      {["h-7 w-2/3", "h-4 w-full", "h-4 w-11/12", "h-4 w-3/4"].map((size) => (
        <div key={size} className={`skeleton ${size}`} />
      ))}
    </div>
  );
}
