import http from "node:http";
import net from "node:net";

/** One look at a container. */
export interface ProbeCheck {
  /** http://127.0.0.1:PORT */
  readonly origin: string;
  /** Undefined: only connect. */
  readonly http: { readonly path: string; readonly headers: Readonly<Record<string, string>> } | undefined;
  /** Aborted when the probe's timeout is over or nobody wants the answer any more. */
  readonly signal: AbortSignal;
}

export type ProbeOutcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Never rejects: whatever goes wrong is an outcome. */
export type ProbeTransport = (check: ProbeCheck) => Promise<ProbeOutcome>;

/** Over real sockets, a new connection each time, as the kubelet does. */
export const socketProbe: ProbeTransport = (check) =>
  check.http === undefined ? connect(check) : get(check, check.http);

function get({ origin, signal }: ProbeCheck, target: NonNullable<ProbeCheck["http"]>): Promise<ProbeOutcome> {
  const url = `${origin}${target.path.startsWith("/") ? "" : "/"}${target.path}`;
  const headers = { "user-agent": "kube-probe/1.34", accept: "*/*", connection: "close", ...target.headers };
  return new Promise((resolve) => {
    const failed = (error: Error) =>
      resolve({ ok: false, message: `Get "${url}": ${signal.aborted ? "context deadline exceeded" : error.message}` });
    const request = http.get(url, { agent: false, headers, signal }, (response) => {
      const status = response.statusCode ?? 0;
      // Drained, so that the server does not see a reset.
      response.resume();
      response.once("error", failed);
      response.once("end", () =>
        resolve(
          status >= 200 && status < 400
            ? { ok: true }
            : { ok: false, message: `HTTP probe failed with statuscode: ${status}` },
        ),
      );
    });
    request.once("error", failed);
  });
}

function connect({ origin, signal }: ProbeCheck): Promise<ProbeOutcome> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const socket = net.connect({ host: hostname, port: Number(port), signal });
    socket.once("connect", () => {
      socket.destroy();
      resolve({ ok: true });
    });
    socket.once("error", (error) =>
      resolve({
        ok: false,
        message: `dial tcp ${hostname}:${port}: ${signal.aborted ? "i/o timeout" : error.message}`,
      }),
    );
  });
}
