/** Versions of Linkerd, its charts and images: edges by date, stable releases by number. Pure. */
import type { Minor } from "../plan/versions.ts";
import { linkerdSupport } from "./linkerd-support.ts";

/** An edge counts weeks of a month and promises nothing by its number; a stable release is a patch of its logical version. */
export interface LinkerdVersion {
  readonly channel: "edge" | "stable";
  readonly parts: readonly [number, number, number];
  /** Logical version; undefined: older than the table. */
  readonly minor: Minor | undefined;
}

const form = /^(?:(edge|stable|enterprise|preview)-|v)?(\d+)\.(\d+)\.(\d+)(?:-[\w.]+)?$/;

export function compareParts(a: LinkerdVersion["parts"], b: LinkerdVersion["parts"]): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** `edge-26.6.3`, an image's tag, and its chart's `2026.6.3`; `stable-2.14.10`, `enterprise-2.19.6`, `2.19.6`. */
export function parseLinkerd(text: string): LinkerdVersion | undefined {
  const found = form.exec(text.trim());
  if (found === null || found[1] === "preview") return undefined;
  const [major, minor, patch] = [Number(found[2]), Number(found[3]), Number(found[4])];
  const dated = found[1] === "edge" || major >= 2_000;
  if (dated) {
    const year = major >= 2_000 ? major - 2_000 : major;
    if (year < 18 || minor < 1 || minor > 12) return undefined;
    const parts = [year, minor, patch] as const;
    const row = linkerdSupport.find(({ edge }) => edge !== undefined && compareParts(edge, parts) <= 0);
    return { channel: "edge", parts, minor: row?.minor };
  }
  if (major !== 2) return undefined;
  const row = linkerdSupport.find((one) => one.minor === `${major}.${minor}`);
  return { channel: "stable", parts: [major, minor, patch], minor: row?.minor };
}

/** As charts have it. */
export function formatLinkerd({ channel, parts: [first, second, third] }: LinkerdVersion): string {
  return `${channel === "edge" ? first + 2_000 : first}.${second}.${third}`;
}
