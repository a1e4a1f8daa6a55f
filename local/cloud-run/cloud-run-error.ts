/** A setting that Cloud Run does not accept; `property` is a path such as template.containers[0].image. */
export interface SettingProblem {
  readonly property: string;
  readonly reason: string;
}

/** What Cloud Run refuses or fails to do, in its own words where they are known. */
export class CloudRunError extends Error {
  /** HTTP status of the API's answer: 400 invalid settings, 404 unknown, 409 conflict, 500 failed revision, 503 stopped. */
  readonly status: number;
  readonly problems: readonly SettingProblem[];

  constructor(
    status: number,
    message: string,
    details: { readonly problems?: readonly SettingProblem[]; readonly cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "CloudRunError";
    this.status = status;
    this.problems = details.problems ?? [];
  }
}
