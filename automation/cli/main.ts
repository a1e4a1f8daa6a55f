import { Config, execute, settings } from "@oclif/core";
import { reportError } from "./error-output.ts";

/** Runs the command line of this process and sets its exit code. */
export async function main(root: string): Promise<void> {
  // oclif would look for compiled commands of a development build; these run as they are.
  settings.enableAutoTranspile = false;
  const json = process.argv.includes("--json");
  try {
    const config = await Config.load(root);
    await execute({ dir: root, loadOptions: config });
  } catch (error) {
    reportError(error, { json, debug: process.argv.includes("--debug"), warnings: [] });
  }
}
