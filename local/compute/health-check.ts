import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { z } from "zod";
import type { Properties } from "./resources.ts";

/** What a declared HealthCheck asks for, with Google's defaults. */
export interface HealthCheckSettings {
  readonly checkIntervalSec: number;
  readonly timeoutSec: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  readonly http: { readonly requestPath: string; readonly host: string; readonly response: string } | undefined;
}

const settingsSchema = z.object({
  checkIntervalSec: z.number().default(5),
  timeoutSec: z.number().default(5),
  healthyThreshold: z.number().default(2),
  unhealthyThreshold: z.number().default(2),
  httpHealthCheck: z
    .object({ requestPath: z.string().default("/"), host: z.string().default(""), response: z.string().default("") })
    .optional(),
});

/** The settings of a declared HealthCheck; without an HTTP check it is a TCP one. */
export function healthCheckSettings(inputs: Properties): HealthCheckSettings {
  const { httpHealthCheck, ...times } = settingsSchema.parse(inputs);
  return { ...times, http: httpHealthCheck };
}

/** What the balancer knows of one endpoint. */
export interface EndpointHealth {
  readonly state: "unknown" | "healthy" | "unhealthy";
  /** Results in a row that contradict the state. */
  readonly contrary: number;
}

/** A new endpoint gets no traffic until its first probe has passed. */
export const unprobed: EndpointHealth = { state: "unknown", contrary: 0 };

/** The first result decides; later ones need the thresholds in a row. */
export function afterProbe(health: EndpointHealth, passed: boolean, settings: HealthCheckSettings): EndpointHealth {
  if (health.state === "unknown") return { state: passed ? "healthy" : "unhealthy", contrary: 0 };
  if (passed === (health.state === "healthy")) return health.contrary === 0 ? health : { ...health, contrary: 0 };
  const contrary = health.contrary + 1;
  const threshold = passed ? settings.healthyThreshold : settings.unhealthyThreshold;
  return contrary >= threshold ? { state: passed ? "healthy" : "unhealthy", contrary: 0 } : { ...health, contrary };
}

/** One probe of an endpoint (http://127.0.0.1:PORT). Resolves to whether it passed; never rejects. */
export type Probe = (origin: string, settings: HealthCheckSettings) => Promise<boolean>;

/** As Google's probers: HTTP passes with 200 and, if asked for, the text at the start of the body; TCP with a connection. */
export const probeEndpoint: Probe = (origin, settings) =>
  settings.http === undefined
    ? probeTcp(origin, settings.timeoutSec)
    : probeHttp(origin, settings.http, settings.timeoutSec);

function probeHttp(
  origin: string,
  check: NonNullable<HealthCheckSettings["http"]>,
  timeoutSec: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { "user-agent": "GoogleHC/1.0", connection: "close", ...(check.host && { host: check.host }) };
    const url = new URL(check.requestPath, origin);
    const request = httpRequest(url, { headers, agent: false, signal: AbortSignal.timeout(timeoutSec * 1000) });
    request.on("error", () => resolve(false));
    request.on("response", (response) => {
      let start = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        if (start.length < 1024) start += chunk;
      });
      response.on("error", () => resolve(false));
      response.on("end", () => resolve(response.statusCode === 200 && start.slice(0, 1024).startsWith(check.response)));
    });
    request.end();
  });
}

function probeTcp(origin: string, timeoutSec: number): Promise<boolean> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const finish = (passed: boolean): void => {
      socket.destroy();
      resolve(passed);
    };
    socket.setTimeout(timeoutSec * 1000, () => finish(false));
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}
