/** An error as Google's compute API reports it: HTTP status, reason and text. */
export class GoogleError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, text: string, options?: ErrorOptions) {
    super(text, options);
    this.name = "GoogleError";
    this.status = status;
    this.reason = reason;
  }
}

/** The line that Google's Terraform and Pulumi providers print for an error of the API. */
export function providerMessage(action: string, error: { status: number; reason: string; message: string }): string {
  return `${action}: googleapi: Error ${error.status}: ${error.message}, ${error.reason}`;
}

export function notFound(path: string): GoogleError {
  return new GoogleError(404, "notFound", `The resource '${path}' was not found`);
}

export function alreadyExists(path: string): GoogleError {
  return new GoogleError(409, "alreadyExists", `The resource '${path}' already exists`);
}

/** Deleting what another resource refers to. `kind` in the API's words: backend_service, url_map. */
export function inUse(kind: string, path: string, userPath: string): GoogleError {
  return new GoogleError(
    400,
    "resourceInUseByAnotherResource",
    `The ${kind} resource '${path}' is already being used by '${userPath}'`,
  );
}

export function invalidField(path: string, value: unknown, why: string): GoogleError {
  const shown = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return new GoogleError(400, "invalid", `Invalid value for field '${path}': '${shown}'. ${why}`);
}
