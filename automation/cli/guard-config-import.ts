/** The original tool's config.yaml as a section of switchyard.yaml that is valid. */
import { stringify } from "yaml";
import { SwitchyardError } from "../errors.ts";
import { mapOriginalConfig } from "../guard/original-config.ts";
import { parseConfig } from "./config-file.ts";
import { yamlOf } from "./guard-entries-input.ts";

/** `where`, for messages: the file. Errors: guard-input-invalid with all problems; literal-secret. */
export function importConfig(
  where: string,
  given: string,
): { readonly text: string; readonly warnings: readonly string[] } {
  const { section, warnings } = mapped(where, yamlOf(where, given));
  const text = stringify({ guard: section }, { lineWidth: 0 });
  // What is printed is what a file takes.
  try {
    parseConfig(`${text}environments: {local: {cloud: local}}\n`);
  } catch (error) {
    if (!(error instanceof SwitchyardError) || error.code !== "invalid-config") throw error;
    throw new SwitchyardError("guard-input-invalid", {
      message: error.message.replace(/^\S+ has/, `${where}, as the section guard, has`),
      data: error.data,
      cause: error,
    });
  }
  return { text, warnings };
}

function mapped(where: string, value: unknown) {
  try {
    return mapOriginalConfig(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new SwitchyardError("guard-input-invalid", { message: `${where}: ${error.message}`, cause: error });
  }
}
