import type { Properties } from "../compute/resources.ts";

/**
 * The resource exists but did not become ready. The engine keeps it, marks it as failed and tries an update next time.
 * `outputs` are its live outputs, `reasons` one line each.
 */
export class InitializationError extends Error {
  readonly outputs: Properties;
  readonly reasons: readonly string[];
  constructor(reasons: readonly string[], outputs: Properties, options?: { cause?: unknown }) {
    super(reasons.join("\n"), options);
    this.name = "InitializationError";
    this.reasons = reasons;
    this.outputs = outputs;
  }
}

/** An operation that cannot be done, with the text that the platform or its provider would give. */
export class ProviderError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ProviderError";
  }
}
