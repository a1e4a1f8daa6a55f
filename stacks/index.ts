/** Entry point of plain `pulumi up -s <program>.<environment>`. Pulumi takes a default export or named ones, not both. */
import { getStack } from "@pulumi/pulumi";
import { loadProgram } from "./load-program.ts";

export default async function run(): Promise<Record<string, unknown>> {
  const program = await loadProgram(getStack());
  return program();
}
