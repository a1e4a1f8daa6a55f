import type { IncomingMessage, ServerResponse } from "node:http";
import type { ClientUpgrade } from "./client-upgrade.ts";
import type { RequestHead } from "./request-head.ts";

/** What http hands over of one request. */
export interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: RequestHead;
  /** The client waits for 100 Continue before it sends the body. */
  readonly withheldBody: boolean;
  /** The client asks for a WebSocket; the response is the upgrade's. */
  readonly upgrade: ClientUpgrade | undefined;
}
