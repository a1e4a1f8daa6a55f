/** Authorised JSON requests to Google's compute API. The only importer of google-auth-library. */
import { type AuthClient, GoogleAuth, gaxios, OAuth2Client } from "google-auth-library";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { isConfidential } from "./loopback.ts";

const defaultEndpoint = "https://compute.googleapis.com/compute/v1/";
const scope = "https://www.googleapis.com/auth/cloud-platform";
const defaultTimeoutMs = 30_000;

const errorSchema = z.object({
  error: z.object({ message: z.string(), errors: z.array(z.object({ reason: z.string().optional() })).optional() }),
});

export interface GoogleRequest {
  readonly method: "GET" | "POST" | "PATCH";
  /** Below the endpoint, projects/P/global/urlMaps/U */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Default 30,000. */
  readonly timeoutMs?: number;
}

export interface GoogleReply {
  readonly status: number;
  readonly body: unknown;
}

export interface GoogleClient {
  /**
   * Answers of 500 and above and 429 are errors like a failed connection; all others are returned. Nothing is retried.
   * Errors: traffic-unreachable, credentials-missing, credentials-over-http.
   */
  request(request: GoogleRequest): Promise<GoogleReply>;
}

export interface GoogleClientOptions {
  /** Reads CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE (gcloud's own) and GOOGLE_OAUTH_ACCESS_TOKEN. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The text of an error reply, `reason: message` where Google gives both. */
export function googleErrorText(reply: GoogleReply): string {
  const parsed = errorSchema.safeParse(reply.body);
  if (!parsed.success) return `status ${reply.status}`;
  const reason = parsed.data.error.errors?.[0]?.reason;
  return reason === undefined ? parsed.data.error.message : `${reason}: ${parsed.data.error.message}`;
}

/** gcloud's override names the whole base, version included; a bare origin gets the usual one. */
function readEndpoint(override: string | undefined): URL {
  if (override === undefined || override === "") return new URL(defaultEndpoint);
  if (!URL.canParse(override)) {
    throw new SwitchyardError("invalid-config", {
      message: `CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE is '${override}', which is not a URL`,
      next: `Set it to a base such as ${defaultEndpoint} or leave it unset.`,
    });
  }
  const url = new URL(override);
  if (url.pathname === "/") url.pathname = "/compute/v1/";
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** Errors: invalid-config, credentials-over-http. */
export function createGoogleClient({ env }: GoogleClientOptions): GoogleClient {
  const endpoint = readEndpoint(env["CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE"]);
  if (!isConfidential(endpoint)) {
    throw new SwitchyardError("credentials-over-http", {
      message: `the compute endpoint ${endpoint.href} is plain HTTP and not on this machine`,
    });
  }
  const token = env["GOOGLE_OAUTH_ACCESS_TOKEN"];
  let client: Promise<AuthClient> | undefined;
  const connect = async (): Promise<AuthClient> => {
    if (token !== undefined && token !== "") {
      const fixed = new OAuth2Client();
      fixed.setCredentials({ access_token: token });
      return fixed;
    }
    return await new GoogleAuth({ scopes: scope }).getClient();
  };
  const authorise = async (): Promise<AuthClient> => {
    client ??= connect();
    try {
      const found = await client;
      await found.getAccessToken();
      return found;
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
    async request({ method, path, query, body, signal, timeoutMs = defaultTimeoutMs }) {
      const url = new URL(path, endpoint);
      const what = `${method} ${url.pathname}`;
      const unreachable = (why: string, cause?: unknown): SwitchyardError =>
        new SwitchyardError("traffic-unreachable", { message: `${what} at ${endpoint.host} failed: ${why}`, cause });
      signal?.throwIfAborted();
      const authorised = await authorise();
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
        });
        reply = { status: response.status, body: response.data };
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (deadline.aborted) throw unreachable(`no answer within ${timeoutMs} ms`, error);
        if (error instanceof gaxios.GaxiosError) throw unreachable(error.message, error);
        throw error;
      }
      if (reply.status === 401) {
        throw new SwitchyardError("credentials-missing", {
          message: `${what} at ${endpoint.host} was not authorised: ${googleErrorText(reply)}`,
        });
      }
      if (reply.status >= 500 || reply.status === 429) throw unreachable(`${reply.status} ${googleErrorText(reply)}`);
      return reply;
    },
  };
}
