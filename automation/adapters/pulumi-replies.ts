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

export interface ListedStack {
  readonly stack: StackName;
  readonly resources: number;
  readonly updatedAt: string | undefined;
}

/** What `pulumi stack ls` printed. */
export function parseStackList(text: string): readonly ListedStack[] {
  return ownStacks(
    stackListSchema
      .parse(JSON.parse(text))
      .map(({ name, resourceCount, lastUpdate }) => ({ name, resources: resourceCount ?? 0, updatedAt: lastUpdate })),
  );
}

/** Stacks that are named as ours are, sorted by name. Backends with organisations put `org/project/` before the name. */
export function ownStacks(
  stacks: readonly { readonly name: string; readonly resources: number; readonly updatedAt: string | undefined }[],
): readonly ListedStack[] {
  return stacks
    .flatMap(({ name, ...rest }) => {
      const stack = name.split("/").at(-1) ?? name;
      return isStackName(stack) ? [{ stack, ...rest }] : [];
    })
    .sort((a, b) => a.stack.localeCompare(b.stack));
}
