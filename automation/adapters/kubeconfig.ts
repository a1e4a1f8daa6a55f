/**
 * Credentials from a kubeconfig, its plug-ins included, by the official client: the only importer of it. Its requests are not used: they
 * open a connection each, cannot be aborted, and know no types that the client was not generated from. It takes 0.8 s to load, so it is
 * loaded when a kubeconfig is used.
 */
import type { RequestOptions } from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { assertConfidentialServer, type ClusterAccess, type ClusterConnection } from "./cluster-access.ts";
import { isConfidential } from "./loopback.ts";

export interface KubeconfigPlace {
  readonly path: string;
  readonly context: string;
}

/** For plug-ins that fetch a token, ms. */
const loginTimeoutMs = 30_000;

export function openKubeconfig({ path, context }: KubeconfigPlace): ClusterConnection {
  const description = `cluster of context ${context} in ${path}`;
  let loading: Promise<KubeConfig> | undefined;
  const refused = (why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("cluster-refused", {
      message: `No credentials for the ${description}: ${why}`,
      next: `Look at it:   kubectl --kubeconfig ${path} --context ${context} version`,
      cause,
    });

  async function load(): Promise<KubeConfig> {
    const { KubeConfig } = await import("@kubernetes/client-node");
    const config = new KubeConfig();
    try {
      config.loadFromFile(path);
    } catch (error) {
      // A parser's error repeats the text.
      const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
      throw refused(`the file could not be read${code}`);
    }
    const known = (config.getContexts() ?? []).map(({ name }) => name);
    if (!known.includes(context)) throw refused(`it has no such context, only ${known.join(", ") || "none"}`);
    config.setCurrentContext(context);
    return config;
  }

  return {
    description,

    async access(signal) {
      signal?.throwIfAborted();
      loading ??= load().catch((error: unknown) => {
        loading = undefined;
        throw error;
      });
      const config = await loading;
      const cluster = config.getCurrentCluster();
      if (cluster === null) throw refused("its context names a cluster that is not there");
      if (config.getCurrentUser() === null) throw refused("its context names a user that is not there");
      assertConfidentialServer({ server: cluster.server }, description);
      if (cluster.skipTLSVerify && !isConfidential(new URL(cluster.server.replace(/^https:/, "http:"))))
        throw refused("it does not check the server's certificate (insecure-skip-tls-verify)");
      const options: RequestOptions = {};
      // The library refuses plain HTTP unless it is told not to verify; what it would do then is not used.
      if (cluster.server.startsWith("https:")) await login(config, options, signal, refused);
      return {
        server: cluster.server,
        ...described(options),
        ...(cluster.tlsServerName === undefined ? {} : { serverName: cluster.tlsServerName }),
        ...(cluster.proxyUrl === undefined ? {} : { proxy: cluster.proxyUrl }),
        ...(cluster.skipTLSVerify ? { unverified: true } : {}),
      };
    },

    forget() {
      loading = undefined;
    },
  };
}

async function login(
  config: KubeConfig,
  options: RequestOptions,
  signal: AbortSignal | undefined,
  refused: (why: string, cause?: unknown) => SwitchyardError,
): Promise<void> {
  const deadline = AbortSignal.timeout(loginTimeoutMs);
  const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(stop.reason);
  stop.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([config.applyToHTTPSOptions(options), stopped]);
  } catch (error) {
    signal?.throwIfAborted();
    if (deadline.aborted) throw refused(`its plug-in took longer than ${loginTimeoutMs / 1_000} s`);
    throw refused(error instanceof Error ? firstLine(error.message) : "its plug-in failed");
  } finally {
    stop.removeEventListener("abort", onAbort);
    stopped.catch(() => undefined);
  }
}

const headersSchema = z.object({ Authorization: z.string().optional(), "Impersonate-User": z.string().optional() });

/** What the library wrote into the options of a request. */
function described({ ca, cert, key, auth, headers }: RequestOptions): Omit<ClusterAccess, "server"> {
  const { Authorization = "", "Impersonate-User": impersonate } = headersSchema.parse(headers ?? {});
  const token = /^Bearer (.+)$/.exec(Authorization)?.[1];
  const authority = textOf(ca);
  const [certificate, own] = [textOf(cert), textOf(key)];
  const at = auth?.indexOf(":") ?? -1;
  return {
    ...(authority === undefined ? {} : { authority }),
    ...(token === undefined ? {} : { token }),
    ...(auth == null || at < 0 ? {} : { login: { username: auth.slice(0, at), password: auth.slice(at + 1) } }),
    ...(certificate === undefined || own === undefined ? {} : { certificate: { certificate, key: own } }),
    ...(impersonate === undefined ? {} : { impersonate }),
  };
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return Buffer.isBuffer(value) ? value.toString("utf8") : undefined;
}

/** Standard error of a plug-in, which may be long. */
const firstLine = (text: string): string => (text.trim().split("\n")[0] ?? "").slice(0, 300);
