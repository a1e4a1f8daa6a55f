import type { Refusal } from "../router/backend.ts";

const headers = [["content-type", "text/plain; charset=utf-8"]] as const;

function refusal(status: number, body: string): Refusal {
  return { kind: "refusal", status, headers, body };
}

const noInstance = "The request was aborted because there was no available instance.";
const causes =
  "This might be caused by a sudden increase in traffic, a long container startup time or a long request processing time.";

/** What Cloud Run's front end answers itself (statements 4, 28, 41, 42). */
export const refusals = {
  startFailed: refusal(500, "The request failed because the instance could not start successfully."),
  atMaximum: refusal(
    429,
    `${noInstance} The Cloud Run service might have reached its maximum container instance limit or the service was otherwise not able to scale to incoming requests. ${causes}`,
  ),
  noInstance: refusal(500, `${noInstance} ${causes}`),
  reservedPath: refusal(404, "Error: Page not found. The requested URL was not found on this server."),
  noRevision: refusal(503, "The service has no revision that is ready to serve."),
  deleted: refusal(503, "The service is being deleted."),
  /** The client went away while it waited; nobody reads this. */
  clientGone: refusal(499, ""),
} as const;

/** Paths that the front end keeps to itself: the container is never called (statement 28). */
export function isReservedPath(path: string): boolean {
  const query = path.indexOf("?");
  const plain = query < 0 ? path : path.slice(0, query);
  return plain === "/healthz" || plain === "/eventlog" || plain.startsWith("/_ah/");
}
