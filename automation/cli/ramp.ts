import { SwitchyardError } from "../errors.ts";

/** `1,5,25,100` as numbers, by the rules of the setting `ramp`. Errors: usage-error. */
export function parseRamp(text: string): readonly number[] {
  const steps = text.split(",").map((part) => Number(part.trim()));
  const rising = steps.every(
    (step, index) => step > 0 && step <= 100 && (index === 0 || step > (steps[index - 1] ?? 0)),
  );
  const decimals = steps.every((step) => Math.abs(step * 10 - Math.round(step * 10)) < 1e-9);
  if (!rising || !decimals || steps.at(-1) !== 100 || steps.length > 50) {
    throw new SwitchyardError("usage-error", {
      message: `--ramp ${text}: shares are percent above 0 with at most one decimal, rising, at most 50 of them, and the last is 100`,
      next: "For example:   --ramp 1,5,25,50,100",
    });
  }
  return steps;
}
