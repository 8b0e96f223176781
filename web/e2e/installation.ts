import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

export interface Installation {
  process: ChildProcess;
  address: string;
  /** Of the link that makes the first account; empty once that is there. */
  token: string;
  /** Ends it as a service manager does, or as a crash. */
  end: (signal: "SIGTERM" | "SIGKILL") => Promise<void>;
}

/** The settings of an installation whose answers the scripted model writes. */
export function withModel(vendor: string): Record<string, string> {
  return {
    CITEWELL_PRIVATE_HOSTS: "127.0.0.1",
    CITEWELL_LLM: "openai-compatible:m-1",
    CITEWELL_LLM_BASE_URL: `${vendor}/v1`,
    CITEWELL_LLM_API_KEY: "none",
  };
}

/** Starts a server; its settings are those given alone. Ready when it says so. */
export async function launch(home: string, settings: Record<string, string>, ...words: string[]): Promise<Installation> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("CITEWELL_"));
  const server = spawn(
    process.env["PYTHON"] ?? join(ROOT, ".venv/bin/python"),
    ["-m", "citewell.entrypoints.cli", "serve", ...words],
    {
      cwd: ROOT,
      env: { ...Object.fromEntries(own), CITEWELL_HOME: home, CITEWELL_RATE_LIMIT_REQUESTS: "0", ...settings },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const address = await greeting(server);
  const end = async (signal: "SIGTERM" | "SIGKILL") => {
    const ended = new Promise((done) => server.once("exit", done));
    server.kill(signal);
    await ended;
  };
  const file = join(home, "setup.token");
  return { process: server, address, token: existsSync(file) ? readFileSync(file, "utf8").trim() : "", end };
}

/** The address, once the server has said all it says at the start. */
function greeting(server: ChildProcess): Promise<string> {
  return new Promise((done, failed) => {
    let said = "";
    server.once("exit", (code) => failed(new Error(`the server ended with ${code}:\n${said}`)));
    server.stdout?.on("data", (part: Buffer) => {
      said += part.toString();
      const address = /Citewell answers on (\S+)/.exec(said)?.[1];
      if (address !== undefined && said.includes("Ask a question")) done(address);
    });
  });
}
