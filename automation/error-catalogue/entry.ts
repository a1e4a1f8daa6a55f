/** What an entry of the error catalogue is. */

/** Exit codes, the same as the Pulumi CLI's declared stable ones. */
export const exitCodes = {
  ok: 0,
  error: 1,
  configuration: 2,
  authentication: 3,
  resource: 4,
  policy: 5,
  stackNotFound: 6,
  changesFound: 7,
  cancelled: 8,
  timeout: 9,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface CatalogueEntry {
  readonly exitCode: ExitCode;
  /** Said before anything was changed, as what configuration and policies refuse is. */
  readonly refusal?: true;
  /** What happened, in general. */
  readonly what: string;
  /** What to do next, in general. */
  readonly next: string;
}
