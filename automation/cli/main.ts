import { Config, flush, run, settings } from "@oclif/core";
import { reportError } from "./error-output.ts";

/** Runs the command line of this process and sets its exit code. */
export async function main(root: string): Promise<void> {
  // oclif would look for compiled commands of a development build; these run as they are.
  settings.enableAutoTranspile = false;
  const argv = process.argv.slice(2);
  try {
    await run(argv, await Config.load(root));
  } catch (error) {
    reportError(error, { json: argv.includes("--json"), debug: argv.includes("--debug"), warnings: [] });
  }
  await flush();
}
