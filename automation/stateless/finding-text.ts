import type { Finding } from "./finding.ts";

/** A finding in one line: where, why, what instead, and by which rule. */
export function findingText({ resource, path, reason, fix, rule, class: found, level }: Finding): string {
  const what = path === "" ? `${resource.type} ${resource.name}` : `${resource.type} ${resource.name}, ${path}`;
  return `${what}: ${reason} ${fix} (${found ?? level}, rule ${rule})`;
}
