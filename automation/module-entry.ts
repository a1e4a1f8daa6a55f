/** How a file names code of one's own: a check, a notifier, a language model; adapters/custom-modules.ts loads it. Pure. */
import { z } from "zod";

export const moduleEntry = {
  module: z
    .string()
    .min(1)
    .describe("A package, or a path from the checkout that begins with a dot or a slash, and stays in it."),
  class: z.string().min(1).optional().describe("Export with a class; it is made with the options."),
  export: z
    .string()
    .min(1)
    .optional()
    .describe("Export with an object or a function. Default: the default export; not with class."),
  options: z.record(z.string(), z.unknown()).default({}).describe("Given to it as they are. Default none."),
} as const;
