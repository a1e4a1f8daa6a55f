/** What the CLI prints with `--json`, checked. */
import { z } from "zod";
import type { StackName } from "../ports/stack-engine.ts";

const outputsSchema = z.record(z.string(), z.unknown());

const stackListSchema = z.array(
  z.object({ name: z.string(), resourceCount: z.number().int().optional(), lastUpdate: z.string().optional() }),
);

export function parseOutputs(text: string): Readonly<Record<string, unknown>> {
  return outputsSchema.parse(JSON.parse(text));
}

export function isStackName(name: string): name is StackName {
  return /^[^./]+\.[^/]+$/.test(name);
}

/** Stacks that are named as ours are, sorted by name. Backends with organisations put `org/project/` before the name. */
export function parseStackList(
  text: string,
): readonly { stack: StackName; resources: number; updatedAt: string | undefined }[] {
  return stackListSchema
    .parse(JSON.parse(text))
    .flatMap(({ name, resourceCount, lastUpdate }) => {
      const stack = name.split("/").at(-1) ?? name;
      return isStackName(stack) ? [{ stack, resources: resourceCount ?? 0, updatedAt: lastUpdate }] : [];
    })
    .sort((a, b) => a.stack.localeCompare(b.stack));
}
