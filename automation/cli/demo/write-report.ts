import { arch, cpus, platform, totalmem } from "node:os";
import { join, relative } from "node:path";
import type { Composition } from "../compose.ts";
import { bytes } from "../text.ts";
import type { ReportData } from "./report-data.ts";
import { reportPage } from "./report-page.ts";

/** Writes the report; returns its path from the root. Errors: the disk's. */
export async function writeReport({ root, files }: Composition, data: ReportData): Promise<string> {
  const name = new Date(data.startedAt).toISOString().slice(0, 19).replaceAll(":", "-");
  const path = join(root, ".switchyard", "reports", `${name}.html`);
  await files.writeAtomic(path, reportPage(data));
  return relative(root, path);
}

/** What the figures were measured on. */
export function machineFacts(): { readonly node: string; readonly machine: string } {
  const [cpu] = cpus();
  return {
    node: process.versions.node,
    machine: `${platform()} ${arch()}, ${cpus().length} cores (${cpu?.model.trim() ?? "unknown"}), ${bytes(totalmem())} memory`,
  };
}
