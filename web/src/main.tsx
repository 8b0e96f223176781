import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { Problem } from "./api/problem";
import { router } from "./app/router";
import "./app/style.css";
import { startTheme } from "./app/theme";
import { startTranslations } from "./i18n";
import { resume } from "./session/session";

/** Attempts per request: an answer of the server is final, only a lost connection is tried anew. */
const TRIES = 2;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) =>
        failures < TRIES && (!(error instanceof Problem) || error.status === 0 || error.status >= 502),
    },
  },
});

async function start(): Promise<void> {
  startTheme();
  await startTranslations();
  void resume();
  const place = document.getElementById("root");
  if (place === null) throw new Error("the page has no place for the application");
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </StrictMode>,
  );
}

void start();
