import { Config, flush, run, settings } from "@oclif/core";
import { SwitchyardError } from "../errors.ts";
import { chooseCommands } from "./commands/index.ts";
import { reportError } from "./error-output.ts";

/** Runs the command line of this process and sets its exit code. */
export async function main(root: string): Promise<void> {
  // oclif would look for compiled commands of a development build; these run as they are.
  settings.enableAutoTranspile = false;
  const [first, ...others] = process.argv.slice(2);
  const argv = first === "help" ? [...others, "--help"] : first === undefined ? [] : [first, ...others];
  const options = { json: argv.includes("--json"), debug: argv.includes("--debug"), warnings: [] };
  const readerLeft = Promise.withResolvers<void>();
  // Before oclif's listener, which would end with a stack. A pipe whose reader has left is no error, and stops no work.
  process.stdout.prependListener("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return readerLeft.resolve();
    reportError(outputRefused(error), { ...options, json: false });
    process.exit();
  });
  try {
    chooseCommands(argv);
    await run(argv, await Config.load(root));
  } catch (error) {
    reportError(error, options);
  }
  await Promise.race([flush(), readerLeft.promise]);
}

function outputRefused(cause: NodeJS.ErrnoException): SwitchyardError {
  return new SwitchyardError(cause.code === "ENOSPC" ? "disk-full" : "disk-error", {
    message: `The result could not be written to the standard output: ${cause.message}`,
    next: "Whatever the command did is done; run it again with another output to see its result.",
    cause,
  });
}
