import type { CloudRun } from "../cloud-run/cloud-run.ts";
import type { CloudRunServiceName } from "../cloud-run/service-status.ts";
import type { Backend, Refusal } from "../router/backend.ts";

/** The balancer's own bound for serverless groups, which cannot be set; the service's own timeout is shorter. */
const serverlessTimeoutMs = 60 * 60 * 1000;

const serviceNotFound: Refusal = {
  kind: "refusal",
  status: 404,
  headers: [["content-type", "text/plain"]],
  body: "The requested URL was not found on this server: the service of the serverless endpoint group does not exist.",
};

/** A backend service over a serverless endpoint group. The service may come and go behind it. */
export function createServerlessBackend(name: string, cloudRun: CloudRun, service: CloudRunServiceName): Backend {
  return {
    name,
    get timeoutMs() {
      return Math.min(serverlessTimeoutMs, cloudRun.backend(service)?.timeoutMs ?? serverlessTimeoutMs);
    },
    reserve: (request) => cloudRun.backend(service)?.reserve(request) ?? serviceNotFound,
  };
}
