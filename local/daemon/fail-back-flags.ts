import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { z } from "zod";
import { openJsonFile } from "../compute/json-file.ts";
import { openListenerPorts } from "../compute/listener-ports.ts";
import { isLoopbackHost, sendJson } from "./loopback-request.ts";

/** Names of scopes (an environment's prefix) and platforms. */
export const flagName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "must be lower-case letters, digits and hyphens");

const documentSchema = z.strictObject({
  version: z.literal(1),
  /** Whether the listener was ever asked for: then instances know its address, and it has to be there. */
  opened: z.boolean(),
  /** Target by `<scope>/<platform>`. */
  flags: z.record(z.string(), z.string()),
});

const pathPattern = /^\/fail-back\/([a-z][a-z0-9-]{0,62})\/([a-z][a-z0-9-]{0,62})$/;

/**
 * The fail-back flags of this machine's agents: which platform hands its requests to which. They are read without a token, as
 * instances have none, and only on loopback; they are set through the control API. They outlive the daemon.
 */
export interface FailBackFlags {
  /** http://127.0.0.1:PORT/fail-back, the same after a restart; `/<scope>/<platform>` below it is a flag. Opens the listener when it was never asked for. */
  url(): Promise<string>;
  /** Target by `<scope>/<platform>`. */
  list(): Readonly<Record<string, string>>;
  /** Durable when it resolves. */
  set(scope: string, platform: string, target: string | undefined): Promise<void>;
  close(): Promise<void>;
}

export interface FailBackFlagsOptions {
  /** The daemon's folder of state. */
  readonly folder: string;
  /** Ports that the user asked for, by name; this one is called fail-back. */
  readonly fixedPorts: Readonly<Record<string, number>>;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Errors: CorruptFileError; PortInUseError when the listener's port was taken by another process meanwhile. */
export async function openFailBackFlags(options: FailBackFlagsOptions): Promise<FailBackFlags> {
  const { folder, random } = options;
  const file = await openJsonFile<z.infer<typeof documentSchema>>(join(folder, "fail-back.json"), documentSchema, {
    version: 1,
    opened: false,
    flags: {},
  });
  const ports = await openListenerPorts({
    path: join(folder, "fail-back-listener.json"),
    fixed: options.fixedPorts,
    random,
  });
  const server = createServer((request, response) => answer(file.value.flags, request, response));
  let opening: Promise<string> | undefined;

  const listen = (port: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        server.off("error", settle);
        server.off("listening", settle);
        if (error === undefined) resolve(`http://127.0.0.1:${port}/fail-back`);
        else reject(error);
      };
      server.on("error", settle);
      server.on("listening", settle);
      server.listen(port, "127.0.0.1");
    });

  const open = (): Promise<string> => {
    opening ??= ports.assign("fail-back", listen).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };

  if (file.value.opened) await open();

  return {
    async url() {
      const url = await open();
      if (!file.value.opened) await file.update((value) => ({ ...value, opened: true }));
      return url;
    },
    list: () => file.value.flags,
    async set(scope, platform, target) {
      const key = `${scope}/${platform}`;
      await file.update((value) => {
        const { [key]: before, ...others } = value.flags;
        if (before === target) return value;
        return { ...value, flags: target === undefined ? others : { ...others, [key]: target } };
      });
    },
    async close() {
      if (opening === undefined) return;
      await opening.catch(() => undefined);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function answer(flags: Readonly<Record<string, string>>, request: IncomingMessage, response: ServerResponse): void {
  if (!isLoopbackHost(request)) {
    sendJson(response, 400, { error: { code: "wrong-host", message: "The Host header does not name this server." } });
    return;
  }
  const [, scope, platform] = pathPattern.exec(request.url ?? "") ?? [];
  if (scope === undefined || platform === undefined || (request.method !== "GET" && request.method !== "HEAD")) {
    const message = "There is only GET /fail-back/<scope>/<platform>.";
    sendJson(response, 404, { error: { code: "not-found", message } });
    return;
  }
  const key = `${scope}/${platform}`;
  const target = Object.hasOwn(flags, key) ? flags[key] : undefined;
  const etag = `"${target ?? ""}"`;
  response.setHeader("etag", etag);
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304).end();
    return;
  }
  sendJson(response, 200, target === undefined ? {} : { target });
}
