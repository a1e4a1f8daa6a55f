/** The file from which `guard plan` makes a plan: YAML or JSON, every problem told at once. */
import { type Document, parseDocument } from "yaml";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { type MeshPlanRequest, meshPlanFile } from "../guard/plan/mesh-plan.ts";
import { type PlanRequest, planFile } from "../guard/plan/plan.ts";

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

/** Whether a file is for another mesh than Istio; whatever else is wrong with it is told by that one's form. */
const otherMesh = z.looseObject({ mesh: meshPlanFile.shape.mesh });

export type PlanInput =
  | { readonly mesh: "istio"; readonly request: PlanRequest }
  | { readonly mesh: "linkerd"; readonly request: MeshPlanRequest };

/** Errors: guard-input-invalid with all problems. */
export function parsePlanFile(path: string, text: string): PlanInput {
  const document = parseDocument(text, { uniqueKeys: true });
  if (document.errors.length > 0)
    throw invalid(
      path,
      document.errors.map((error) => error.message.split("\n")[0] ?? error.message),
    );
  const value = plainValue(path, document);
  return otherMesh.safeParse(value).success
    ? { mesh: "linkerd", request: whole(path, meshPlanFile, value) }
    : { mesh: "istio", request: whole(path, planFile, value) };
}

function whole<Schema extends z.ZodType>(path: string, schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalid(
    path,
    result.error.issues.map(({ path: at, message }) => `${pathText(at)}${at.length === 0 ? "" : ": "}${message}`),
  );
}
