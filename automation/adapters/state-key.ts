/** Names in a state store, the same for every store, so that what one takes all take. */
import { SwitchyardError } from "../errors.ts";

/** Not `.` or `..`, and nothing that a file store would take for one of its own files. */
const segment = /^(?!.*\.jsonl)[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
const longestKey = 400;

export function isStateName(name: string): boolean {
  return segment.test(name);
}

/** Errors: internal-error; no user chooses a key. */
export function assertStateKey(key: string): void {
  if (key.length <= longestKey && key.split("/").every(isStateName)) return;
  throw new SwitchyardError("internal-error", {
    message: `${JSON.stringify(key)} is no key of a state store (parts of letters, digits, ".", "_" and "-", up to ${longestKey} characters)`,
  });
}

/** Errors: internal-error. */
export function assertStateLine(line: string): void {
  if (line !== "" && !/[\n\r]/.test(line) && !/\s$/.test(line)) return;
  throw new SwitchyardError("internal-error", {
    message: `A line of a log is not empty, has no line feed and does not end with a space; this one is ${JSON.stringify(line)}`,
  });
}
