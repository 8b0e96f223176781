import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { TestProject } from "vitest/node";

import { launch } from "./installation";
import { startVendor } from "./vendor";

declare module "vitest" {
  interface ProvidedContext {
    address: string;
    token: string;
    vendor: string;
    home: string;
  }
}

/** An installation of its own with the sample library, ready before the first test. */
export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const vendor = await startVendor();
  // Short, for the database's socket.
  const home = mkdtempSync(join(tmpdir(), "cw-"));
  const settings = { CITEWELL_PRIVATE_HOSTS: "127.0.0.1", CITEWELL_AGENT_HOSTS: new URL(vendor.address).host };
  const installation = await launch(home, settings, "--port", "0", "--preload", "samples/library");
  project.provide("address", installation.address);
  project.provide("vendor", vendor.address);
  project.provide("home", home);
  project.provide("token", installation.token);
  return async () => {
    await installation.end("SIGTERM");
    vendor.server.close();
    rmSync(home, { recursive: true, force: true });
  };
}
