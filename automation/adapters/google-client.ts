/** Authorised JSON requests to Google's APIs. The only importer of google-auth-library, and only for a request: it takes 80 ms to load. */
import type { AuthClient } from "google-auth-library";
import { z } from "zod";
import { type ErrorCode, SwitchyardError } from "../errors.ts";
import { isConfidential } from "./loopback.ts";
import { errorWithoutSecrets, valueWithoutSecrets, withoutSecrets } from "./without-secrets.ts";

/** One of Google's APIs. */
export interface GoogleApi {
  /** For people: `compute`. */
  readonly name: string;
  /** Base of its requests, version included. */
  readonly endpoint: string;
  /** gcloud's own variable that names another base. */
  readonly overrideVariable: string;
  /** What an answer that never came is. */
  readonly unreachable: ErrorCode;
}

export const computeApi: GoogleApi = Object.freeze({
  name: "compute",
  endpoint: "https://compute.googleapis.com/compute/v1/",
  overrideVariable: "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE",
  unreachable: "traffic-unreachable",
});

const scope = "https://www.googleapis.com/auth/cloud-platform";
const defaultTimeoutMs = 30_000;

const errorSchema = z.object({
  error: z.object({ message: z.string(), errors: z.array(z.object({ reason: z.string().optional() })).optional() }),
});

export interface GoogleRequest {
  readonly method: "GET" | "POST" | "PATCH";
  /** Below the endpoint: projects/P/global/urlMaps/U; for logging v2/entries:list. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Default 30,000. */
  readonly timeoutMs?: number;
  /** Whether 429 is returned like other refusals, so that the caller can wait for its turn; default false. */
  readonly returnBusy?: boolean;
}

export interface GoogleReply {
  readonly status: number;
  readonly body: unknown;
  /** The header of that name. */
  header(name: string): string | null;
}

export interface GoogleClient {
  /**
   * Answers of 500 and above and 429 are errors like a failed connection; all others are returned. Nothing is retried.
   * Errors: the API's `unreachable` (for compute traffic-unreachable), credentials-missing, credentials-over-http.
   */
  request(request: GoogleRequest): Promise<GoogleReply>;
}

export interface GoogleClientOptions {
  /** Reads the API's override (gcloud's own CLOUDSDK_API_ENDPOINT_OVERRIDES_…) and GOOGLE_OAUTH_ACCESS_TOKEN. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: compute. */
  readonly api?: GoogleApi;
}

/** The text of an error reply, `reason: message` where Google gives both. */
export function googleErrorText(reply: GoogleReply): string {
  const parsed = errorSchema.safeParse(reply.body);
  if (!parsed.success) return `status ${reply.status}`;
  const reason = parsed.data.error.errors?.[0]?.reason;
  return reason === undefined ? parsed.data.error.message : `${reason}: ${parsed.data.error.message}`;
}

/** gcloud's override names the whole base, version included; a bare origin gets the usual one. */
function readEndpoint(api: GoogleApi, override: string | undefined): URL {
  const usual = new URL(api.endpoint);
  if (override === undefined || override === "") return usual;
  if (!URL.canParse(override)) {
    throw new SwitchyardError("invalid-config", {
      message: `${api.overrideVariable} is '${override}', which is not a URL`,
      next: `Set it to a base such as ${api.endpoint} or leave it unset.`,
    });
  }
  const url = new URL(override);
  if (url.pathname === "/") url.pathname = usual.pathname;
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** Errors: invalid-config, credentials-over-http. */
export function createGoogleClient({ env, api = computeApi }: GoogleClientOptions): GoogleClient {
  const endpoint = readEndpoint(api, env[api.overrideVariable]);
  if (!isConfidential(endpoint)) {
    throw new SwitchyardError("credentials-over-http", {
      message: `the ${api.name} endpoint ${endpoint.href} is plain HTTP and not on this machine`,
    });
  }
  const token = env["GOOGLE_OAUTH_ACCESS_TOKEN"];
  let client: Promise<AuthClient> | undefined;
  const connect = async (): Promise<AuthClient> => {
    const { GoogleAuth, OAuth2Client } = await import("google-auth-library");
    if (token !== undefined && token !== "") {
      const fixed = new OAuth2Client();
      fixed.setCredentials({ access_token: token });
      return fixed;
    }
    return await new GoogleAuth({ scopes: scope }).getClient();
  };
  const authorise = async (): Promise<{ readonly authorised: AuthClient; readonly secrets: readonly string[] }> => {
    client ??= connect();
    try {
      const authorised = await client;
      const { token } = await authorised.getAccessToken();
      return { authorised, secrets: typeof token === "string" ? [token] : [] };
    } catch (error) {
      client = undefined;
      const why = error instanceof Error ? error.message : String(error);
      throw new SwitchyardError("credentials-missing", {
        message: `no access token for ${endpoint.host} could be had: ${why}`,
        cause: error,
      });
    }
  };

  return {
    async request({ method, path, query, body, signal, timeoutMs = defaultTimeoutMs, returnBusy = false }) {
      const url = new URL(path, endpoint);
      const what = `${method} ${url.pathname}`;
      const unreachable = (why: string, cause?: unknown): SwitchyardError =>
        new SwitchyardError(api.unreachable, { message: `${what} at ${endpoint.host} failed: ${why}`, cause });
      signal?.throwIfAborted();
      const { authorised, secrets } = await authorise();
      const deadline = AbortSignal.timeout(timeoutMs);
      let reply: GoogleReply;
      try {
        const response = await authorised.request<unknown>({
          url: url.href,
          method,
          ...(query === undefined ? {} : { params: query }),
          ...(body === undefined ? {} : { data: body }),
          responseType: "json",
          retry: false,
          redirect: "error",
          // A proxy of the environment has no way to our loopback.
          noProxy: ["127.0.0.1", "localhost", "[::1]"],
          signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
          validateStatus: () => true,
          // Given a signal that is aborted already, node-fetch destroys the body with an error that nobody can catch.
          adapter: (prepared, send) => {
            signal?.throwIfAborted();
            return send(prepared);
          },
        });
        reply = {
          status: response.status,
          body: valueWithoutSecrets(response.data, secrets),
          header: (name) => response.headers.get(name),
        };
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        const clean = errorWithoutSecrets(error, secrets);
        if (deadline.aborted) throw unreachable(`no answer within ${timeoutMs} ms`, clean);
        const { gaxios } = await import("google-auth-library");
        if (error instanceof gaxios.GaxiosError) throw unreachable(withoutSecrets(error.message, secrets), clean);
        throw clean;
      }
      if (reply.status === 401) {
        throw new SwitchyardError("credentials-missing", {
          message: `${what} at ${endpoint.host} was not authorised: ${googleErrorText(reply)}`,
        });
      }
      if (reply.status >= 500 || (reply.status === 429 && !returnBusy))
        throw unreachable(`${reply.status} ${googleErrorText(reply)}`);
      return reply;
    },
  };
}
