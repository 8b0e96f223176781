import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", vi: "Tiếng Việt" } as const;
export type Language = keyof typeof LANGUAGES;

/** The words of a language, fetched when it is spoken: nobody needs both. */
const WORDS = {
  en: () => import("./en.json"),
  vi: () => import("./vi.json"),
} as const;

const KEPT = "citewell-language";

function wanted(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "en" || kept === "vi") return kept;
  return navigator.languages.some((each) => each.toLowerCase().startsWith("vi")) ? "vi" : "en";
}

export async function startTranslations(): Promise<void> {
  const first = wanted();
  await i18next.use(initReactI18next).init({
    resources: { [first]: { translation: (await WORDS[first]()).default } },
    lng: first,
    fallbackLng: false, // both languages are complete
    interpolation: { escapeValue: false }, // React does it
    keySeparator: false,
    nsSeparator: false,
  });
  document.documentElement.lang = i18next.language;
}

export function language(): Language {
  return i18next.language === "vi" ? "vi" : "en";
}

/** The language as it is written where the reader is, for dates and numbers. */
export function locale(): string {
  const spoken = language();
  return navigator.languages.find((each) => each.split("-")[0] === spoken) ?? spoken;
}

export async function speak(chosen: Language): Promise<void> {
  if (!i18next.hasResourceBundle(chosen, "translation")) {
    i18next.addResourceBundle(chosen, "translation", (await WORDS[chosen]()).default);
  }
  localStorage.setItem(KEPT, chosen);
  await i18next.changeLanguage(chosen);
  document.documentElement.lang = chosen;
}
