import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import type { TestProject } from "vitest/node";

import { startVendor } from "./vendor";

const ROOT = resolve(import.meta.dirname, "../..");

declare module "vitest" {
  interface ProvidedContext {
    address: string;
    token: string;
    vendor: string;
  }
}

/** An installation of its own with the sample library, ready before the first test. */
export default async function start(project: TestProject): Promise<() => Promise<void>> {
  // Short, for the database's socket.
  const vendor = await startVendor();
  const home = mkdtempSync(join(tmpdir(), "cw-"));
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("CITEWELL_"));
  const server = spawn(
    process.env["PYTHON"] ?? join(ROOT, ".venv/bin/python"),
    ["-m", "citewell.entrypoints.cli", "serve", "--port", "0", "--preload", "samples/library"],
    {
      cwd: ROOT,
      env: {
        ...Object.fromEntries(own),
        CITEWELL_HOME: home,
        CITEWELL_RATE_LIMIT_REQUESTS: "0",
        CITEWELL_PRIVATE_HOSTS: "127.0.0.1",
        CITEWELL_AGENT_HOSTS: new URL(vendor.address).host,
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const address = await greeting(server);
  project.provide("address", address);
  project.provide("vendor", vendor.address);
  project.provide("token", readFileSync(join(home, "setup.token"), "utf8").trim());
  return async () => {
    const ended = new Promise((done) => server.once("exit", done));
    server.kill("SIGTERM");
    await ended;
    vendor.server.close();
    rmSync(home, { recursive: true, force: true });
  };
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
