/** The file of `guard run --upgrade-spec`. */
import { parseDocument } from "yaml";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { strategies } from "../guard/plan/support.ts";
import { clusterId } from "../guard/registry/record.ts";
import type { FileSystem } from "../ports/file-system.ts";

const spec = z.strictObject({
  target_version: z
    .string('must be text in quotes, for example "1.31.1"')
    .regex(/^\d+\.\d+\.\d+$/, "must be a whole version, for example 1.31.1"),
  strategy: z.enum(strategies).optional(),
  exclude: z.array(clusterId).optional(),
});

export type UpgradeSpec = Partial<z.output<typeof spec>>;

/** Errors: guard-input-invalid with all problems. */
export async function readSpec(files: Pick<FileSystem, "read">, path: string): Promise<z.output<typeof spec>> {
  const text = await files.read(path);
  if (text === undefined) throw new SwitchyardError("guard-input-invalid", { message: `There is no file ${path}` });
  const document = parseDocument(text, { uniqueKeys: true });
  const parsed = document.errors.length > 0 ? undefined : spec.safeParse(document.toJS({ maxAliasCount: 10 }));
  if (parsed?.success) return parsed.data;
  const problems =
    parsed === undefined
      ? document.errors.map(({ message }) => message.split("\n")[0] ?? message)
      : parsed.error.issues.map(({ path: at, message }) => `${at.join(".")}: ${message}`);
  throw new SwitchyardError("guard-input-invalid", {
    message: `${path}:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    data: { problems },
  });
}
