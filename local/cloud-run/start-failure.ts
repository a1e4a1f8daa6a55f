import { ImageNotFoundError } from "../registry/image-error.ts";
import { CloudRunError } from "./cloud-run-error.ts";
import type { StartFailure } from "./service-instance.ts";

/** Statement 3. */
const containerFailed =
  "Container failed to start. Failed to start and then listen on the port defined by the PORT environment variable.";

/** What a deployment says when the new revision's instances did not become ready. */
export function startFailureError(revision: string, failure: StartFailure): CloudRunError {
  const notReady = `Revision '${revision}' is not ready and cannot serve traffic.`;
  if (failure.cause instanceof ImageNotFoundError) {
    return new CloudRunError(404, `${notReady} ${failure.reason}`, { cause: failure.cause });
  }
  const hint = failure.isProbe
    ? "The local cloud gives a container HOST=127.0.0.1 and a PORT of its own; it must listen there.\n"
    : "";
  const output = failure.lastOutput === "" ? "It wrote no output." : `Its last output:\n${failure.lastOutput}`;
  return new CloudRunError(500, `${notReady} ${containerFailed} ${failure.reason}\n${hint}${output}`, {
    cause: failure.cause,
  });
}
