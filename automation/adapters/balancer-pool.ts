import { Pool } from "undici";

const connections = 20;

/** A few kept connections to the balancer, one request on each at a time. `timeoutMs`: for each part of a request. */
export function openBalancerPool(baseUrl: string, timeoutMs: number): Pool {
  return new Pool(new URL(baseUrl).origin, {
    connections,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connectTimeout: timeoutMs,
  });
}
