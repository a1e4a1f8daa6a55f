import { createInterface } from "node:readline/promises";
import { SwitchyardError } from "../errors.ts";

/** A destructive command asks for the name; where nobody can answer, the flag has to. Errors: usage-error, cancelled. */
export async function confirmName(
  name: string,
  what: string,
  confirmed: boolean,
  flag: string,
  signal: AbortSignal,
): Promise<void> {
  if (confirmed) return;
  if (!process.stdin.isTTY) {
    throw new SwitchyardError("usage-error", {
      message: `This would ${what}; the name has to be confirmed, and there is no terminal to ask on`,
      next: `To confirm:   add ${flag}`,
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`This will ${what}. Type ${name} to go on (or use ${flag}): `, { signal });
    if (answer.trim() !== name) {
      throw new SwitchyardError("cancelled", {
        message: `"${answer.trim()}" is not ${name}; nothing was changed`,
        next: [],
      });
    }
  } finally {
    terminal.close();
  }
}
