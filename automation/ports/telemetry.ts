/** Numbers and records of what guard does, for whoever watches it; the tracer has what belongs together. */
import type { Attributes } from "./tracer.ts";

export interface Counter {
  readonly name: string;
  readonly description: string;
  /** As UCUM has it: `{transition}`. */
  readonly unit: string;
}

/** Durations in seconds. */
export interface Histogram {
  readonly name: string;
  readonly description: string;
  /** Upper bounds of its buckets, seconds, rising. */
  readonly bounds: readonly number[];
}

export interface TelemetryRecord {
  readonly severity: "info" | "warning" | "error";
  /** One sentence. Never holds a secret. */
  readonly text: string;
  readonly attributes: Attributes;
  /** ms since the epoch. */
  readonly at: number;
}

/** Never throws, and never makes its caller wait but in `close`. Attributes of numbers take few values: what names one cluster belongs into records. */
export interface Telemetry {
  /** false: nothing is kept. */
  readonly enabled: boolean;
  count(counter: Counter, attributes: Attributes): void;
  record(histogram: Histogram, seconds: number, attributes: Attributes): void;
  log(record: TelemetryRecord): void;
  /** Hands over what is not handed over yet, in bounded time; undefined, or why not all of it could be. */
  close(): Promise<string | undefined>;
}

/** Where nobody wants any. */
export const noTelemetry: Telemetry = {
  enabled: false,
  count() {},
  record() {},
  log() {},
  close: async () => undefined,
};
