/** Files with entries of guard's registry: YAML, JSON, or JSON lines, every problem told at once. */
import { parseDocument } from "yaml";
import { SwitchyardError } from "../errors.ts";
import { type ParsedEntries, parseEntries } from "../guard/registry/entry-file.ts";

/** `where`, for messages: the file. Errors: guard-input-invalid with all problems. */
export function readEntries(where: string, text: string): ParsedEntries {
  const parsed = parseEntries(contentOf(where, text));
  assertNoProblems(where, parsed.problems);
  return parsed;
}

/** Errors: guard-input-invalid. */
export function assertNoProblems(where: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new SwitchyardError("guard-input-invalid", {
    message: `${where} has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    data: { problems },
  });
}

function contentOf(where: string, text: string): unknown {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  // What DynamoDB exports to S3 has one object a line.
  if (lines.length > 1 && lines.every((line) => line.startsWith("{"))) return lines.map((line) => yamlOf(where, line));
  return yamlOf(where, text);
}

/** Errors: guard-input-invalid. */
export function yamlOf(where: string, text: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true });
  assertNoProblems(
    where,
    document.errors.map((error) => error.message.split("\n")[0] ?? error.message),
  );
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases that unfold into far more than the file holds.
    if (!(error instanceof ReferenceError)) throw error;
    throw new SwitchyardError("guard-input-invalid", { message: `${where}: ${error.message}`, cause: error });
  }
}
