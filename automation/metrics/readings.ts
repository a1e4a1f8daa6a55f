/** Looking into readings. Pure. */
import { known, type Reading } from "../ports/platform-metrics.ts";

/** undefined where there is none. */
export function figureOf<Value>(reading: Reading<Value>): Value | undefined {
  return reading.kind === "value" ? reading.value : undefined;
}

/** The value put through a function; why there is none stays. */
export function mapped<Value, Result>(reading: Reading<Value>, map: (value: Value) => Result): Reading<Result> {
  return reading.kind === "value" ? known(map(reading.value)) : reading;
}

/** A part that is a reading itself. */
export function within<Value, Result>(
  reading: Reading<Value>,
  part: (value: Value) => Reading<Result>,
): Reading<Result> {
  return reading.kind === "value" ? part(reading.value) : reading;
}
