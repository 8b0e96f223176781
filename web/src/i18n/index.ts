import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", vi: "Tiếng Việt" } as const;
export type Language = keyof typeof LANGUAGES;

/**
 * The words of a language, fetched when it is spoken: nobody needs both. Those that only other pages
 * than the first need come with these (`words.ts` beside the build's configuration parts them).
 */
const WORDS = {
  en: { first: () => import("./en.json?first"), rest: () => import("./en.json?rest") },
  vi: { first: () => import("./vi.json?first"), rest: () => import("./vi.json?rest") },
} as const;

const KEPT = "citewell-language";

/** The rest of the words, by language, once somebody has asked for them. */
const rests = new Map<Language, Promise<void>>();

function wanted(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "en" || kept === "vi") return kept;
  return navigator.languages.some((each) => each.toLowerCase().startsWith("vi")) ? "vi" : "en";
}

export async function startTranslations(): Promise<void> {
  const first = wanted();
  await i18next.use(initReactI18next).init({
    resources: { [first]: { translation: (await WORDS[first].first()).default } },
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

/** Fetches what the first page does without, in the language that is spoken. */
function restOf(spoken: Language): Promise<void> {
  const known = rests.get(spoken);
  if (known !== undefined) return known;
  const coming = WORDS[spoken].rest().then(({ default: words }) => {
    i18next.addResourceBundle(spoken, "translation", words, true, true);
  });
  rests.set(spoken, coming);
  coming.catch(() => rests.delete(spoken)); // the next page tries anew
  return coming;
}

/** A part of the application that is fetched when it is needed, with the words it needs. */
export function withWords<Module>(load: () => Promise<Module>): () => Promise<Module> {
  return async () => {
    const [module] = await Promise.all([load(), restOf(language())]);
    return module;
  };
}

export async function speak(chosen: Language): Promise<void> {
  const hasRest = rests.size > 0;
  if (!i18next.hasResourceBundle(chosen, "translation")) {
    i18next.addResourceBundle(chosen, "translation", (await WORDS[chosen].first()).default);
  }
  if (hasRest) await restOf(chosen);
  localStorage.setItem(KEPT, chosen);
  await i18next.changeLanguage(chosen);
  document.documentElement.lang = chosen;
}
