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
  // At a prompt Ctrl-C and Ctrl-D reach the prompt alone.
  const left = new AbortController();
  terminal.once("SIGINT", () => left.abort());
  terminal.once("close", () => left.abort());
  try {
    const question = `This will ${what}. Type ${name} to go on (or use ${flag}): `;
    const answer = await terminal.question(question, { signal: AbortSignal.any([signal, left.signal]) });
    if (answer.trim() !== name) {
      throw new SwitchyardError("cancelled", {
        message: `"${answer.trim()}" is not ${name}; nothing was changed`,
        next: `To be asked again, run the command again; to answer beforehand:   add ${flag}`,
      });
    }
  } catch (error) {
    if (!left.signal.aborted) throw error;
    process.stderr.write("\n");
    throw new SwitchyardError("cancelled", { message: "Nothing was changed", cause: error });
  } finally {
    terminal.close();
  }
}
