import { createHash } from "node:crypto";
import type { AutoName } from "./resource-type.ts";

/** How the engine wants missing names filled (pulumi:autonaming in the stack's config). */
export type Autonaming =
  | { readonly mode: "provider" }
  | { readonly mode: "disabled" }
  | { readonly mode: "enforced" | "proposed"; readonly name: string };

export type NameChoice = { readonly name: string } | { readonly failure: string };

/**
 * The name for a resource whose program gives none: `<logical name>-<hex>`. The hex digits follow from the URN, so that a
 * preview and the update after it agree; where that name is taken (a replacement that is created before the old one is
 * deleted), from the URN and a number.
 */
export function chooseName(
  rule: AutoName,
  resource: { readonly urn: string; readonly name: string },
  autonaming: Autonaming,
  isTaken: (name: string) => boolean,
): NameChoice {
  if (autonaming.mode === "disabled") {
    return { failure: "Missing required property: automatic naming is disabled for this resource." };
  }
  if (autonaming.mode !== "provider") return { name: autonaming.name };
  const digits = rule.hexDigits ?? 7;
  const prefix = `${resource.name.toLowerCase()}-`;
  if (prefix.length + digits > rule.maxLength) {
    return {
      failure:
        `The logical name ${resource.name} with ${digits + 1} characters of automatic naming is longer than ` +
        `${rule.maxLength}. Give the property a value of its own.`,
    };
  }
  for (let attempt = 0; ; attempt++) {
    const seed = attempt === 0 ? resource.urn : `${resource.urn}#${attempt}`;
    const name = prefix + createHash("sha256").update(seed).digest("hex").slice(0, digits);
    if (!isTaken(name)) return { name };
  }
}
