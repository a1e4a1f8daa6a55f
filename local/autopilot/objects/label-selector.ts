import { z } from "zod";
import type { FieldError } from "../kubernetes-error.ts";
import { invalidValue, required, unsupportedValue } from "../kubernetes-error.ts";
import { known, stringMap } from "./metadata.ts";

export const labelSelector = known({
  matchLabels: stringMap.optional(),
  matchExpressions: z
    .array(known({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() }))
    .optional(),
});

export type LabelSelector = z.infer<typeof labelSelector>;
type Labels = Readonly<Record<string, string>>;

const OPERATORS = ["DoesNotExist", "Exists", "In", "NotIn"] as const;

/** Whether every requirement holds. An empty selector matches everything. */
export function selectorMatches(selector: LabelSelector, labels: Labels): boolean {
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return equal && (selector.matchExpressions ?? []).every((expression) => expressionMatches(expression, labels));
}

function expressionMatches(
  expression: NonNullable<LabelSelector["matchExpressions"]>[number],
  labels: Labels,
): boolean {
  const value = labels[expression.key];
  const values = expression.values ?? [];
  switch (expression.operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    default:
      return value === undefined;
  }
}

export function isEmptySelector(selector: LabelSelector): boolean {
  return Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0;
}

/** The API server's rules for a selector at `path`. */
export function selectorErrors(selector: LabelSelector, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, expression] of (selector.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    const count = expression.values?.length ?? 0;
    if (!OPERATORS.some((operator) => operator === expression.operator)) {
      errors.push(unsupportedValue(`${at}.operator`, expression.operator, OPERATORS));
    } else if ((expression.operator === "In" || expression.operator === "NotIn") && count === 0) {
      errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if ((expression.operator === "Exists" || expression.operator === "DoesNotExist") && count > 0) {
      errors.push(
        invalidValue(
          `${at}.values`,
          expression.values,
          "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        ),
      );
    }
  }
  return errors;
}
