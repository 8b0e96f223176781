import { Store } from "~/kit/store";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const KEPT = "citewell-theme";

function kept(): Theme {
  const value = localStorage.getItem(KEPT);
  return THEMES.find((each) => each === value) ?? "system";
}

export const theme = new Store<Theme>(kept());

const system = matchMedia("(prefers-color-scheme: dark)");

/** Shows the chosen colours, and follows the system where it is to choose. */
export function startTheme(): void {
  system.addEventListener("change", show);
  show();
}

function show(): void {
  const chosen = theme.get();
  const isDark = chosen === "system" ? system.matches : chosen === "dark";
  document.documentElement.dataset["theme"] = isDark ? "dark" : "light";
}

export function chooseTheme(chosen: Theme): void {
  if (chosen === "system") localStorage.removeItem(KEPT);
  else localStorage.setItem(KEPT, chosen);
  theme.set(chosen);
  show();
}
