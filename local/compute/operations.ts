import { randomBytes } from "node:crypto";
import type { Clock } from "../runtime/clock.ts";
import { selfLink } from "./references.ts";
import { numericId } from "./url-maps.ts";

/** A global operation as the API prints it. */
export interface Operation {
  readonly kind: "compute#operation";
  readonly id: string;
  readonly name: string;
  readonly operationType: string;
  readonly targetLink: string;
  readonly targetId: string;
  readonly status: "RUNNING" | "DONE";
  readonly progress: number;
  readonly insertTime: string;
  readonly startTime: string;
  readonly endTime?: string;
  readonly selfLink: string;
}

const kept = 1000;

/** Operations by name and by number, the last 1,000. The change is done when its operation is made. */
export interface Operations {
  /** The operation as the request that began it sees it. The same request id gives the same operation. */
  begin(
    project: string,
    type: string,
    target: { readonly link: string; readonly id: string },
    requestId?: string,
  ): Operation;
  ofRequest(project: string, requestId: string): Operation | undefined;
  /** As it is now: done. */
  get(project: string, nameOrId: string): Operation | undefined;
}

export function createOperations(clock: Clock): Operations {
  const operations: { readonly project: string; readonly requestId: string | undefined; readonly begun: Operation }[] =
    [];
  return {
    begin(project, type, target, requestId) {
      const time = new Date(clock.now()).toISOString();
      const name = `operation-${clock.now()}-${randomBytes(6).toString("hex")}-${randomBytes(4).toString("hex")}`;
      const begun: Operation = {
        kind: "compute#operation",
        id: numericId(name),
        name,
        operationType: type,
        targetLink: target.link,
        targetId: target.id,
        status: "RUNNING",
        progress: 0,
        insertTime: time,
        startTime: time,
        selfLink: selfLink(`projects/${project}/global/operations/${name}`),
      };
      operations.push({ project, requestId, begun });
      if (operations.length > kept) operations.shift();
      return begun;
    },
    ofRequest: (project, requestId) =>
      operations.find((entry) => entry.project === project && entry.requestId === requestId)?.begun,
    get(project, nameOrId) {
      const found = operations.find(
        (entry) => entry.project === project && (entry.begun.name === nameOrId || entry.begun.id === nameOrId),
      );
      return found && { ...found.begun, status: "DONE", progress: 100, endTime: found.begun.insertTime };
    },
  };
}
