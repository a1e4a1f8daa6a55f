/** The file from which `guard plan` makes a plan: YAML or JSON, every problem told at once. */
import { type Document, parseDocument } from "yaml";
import type { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { planFile } from "../guard/plan.ts";

const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, part) =>
      typeof part === "number" ? `${text}[${part}]` : text === "" ? String(part) : `${text}.${String(part)}`,
    "",
  );

function invalid(path: string, problems: readonly string[]): SwitchyardError {
  return new SwitchyardError("guard-input-invalid", {
    message: `${path} has ${problems.length === 1 ? "a problem" : `${problems.length} problems`}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    data: { problems },
  });
}

function plainValue(path: string, document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // Aliases that unfold into far more than the file holds.
    if (error instanceof ReferenceError) throw invalid(path, [error.message]);
    throw error;
  }
}

/** Errors: guard-input-invalid with all problems. */
export function parsePlanFile(path: string, text: string): z.output<typeof planFile> {
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0)
    throw invalid(
      path,
      document.errors.map((error) => error.message.split("\n")[0] ?? error.message),
    );
  const result = planFile.safeParse(plainValue(path, document));
  if (result.success) return result.data;
  throw invalid(
    path,
    result.error.issues.map(({ path: at, message }) => `${pathText(at)}${at.length === 0 ? "" : ": "}${message}`),
  );
}
