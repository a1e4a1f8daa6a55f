import { z } from "zod";
import type { FieldError } from "../kubernetes-error.ts";
import { invalidValue } from "../kubernetes-error.ts";

/** A count, or a percentage such as "25%". */
export const intOrPercent = z.union([z.int(), z.string()]);
export type IntOrPercent = z.infer<typeof intOrPercent>;

const PERCENT = /^(\d+)%$/;

/** The count for `total`; percentages round as told. */
export function resolveIntOrPercent(value: IntOrPercent, total: number, rounding: "up" | "down"): number {
  if (typeof value === "number") {
    return value;
  }
  const percent = Number(PERCENT.exec(value)?.[1] ?? 0);
  const exact = (total * percent) / 100;
  return rounding === "up" ? Math.ceil(exact) : Math.floor(exact);
}

export function intOrPercentErrors(value: IntOrPercent, path: string): FieldError[] {
  if (typeof value === "number") {
    return value < 0 ? [invalidValue(path, value, "must be greater than or equal to 0")] : [];
  }
  return PERCENT.test(value)
    ? []
    : [
        invalidValue(
          path,
          value,
          "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%' or '93%', regex used for validation is '[0-9]+%')",
        ),
      ];
}
