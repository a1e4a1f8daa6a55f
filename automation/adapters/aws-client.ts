/** What the clients of AWS's services share: addresses, time limits, and errors without credentials. No client library is here. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { isConfidential } from "./loopback.ts";

/** For connections and for replies, ms: a lease of 15 s has to survive one that is lost. */
export const awsTimeouts = Object.freeze({ connectionTimeout: 2_000, requestTimeout: 4_000 });

/** Where an address comes from, for messages. */
export interface AwsPlace {
  /** DynamoDB */
  readonly service: string;
  /** Where it is set: state.endpoint */
  readonly setting: string;
  /** AWS's own variable for it: AWS_ENDPOINT_URL_DYNAMODB */
  readonly variable: string;
}

interface AwsAddress {
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Settings of a client for another server than AWS's; none without. Errors: credentials-over-http, invalid-config. */
export function awsEndpoint(endpoint: string | undefined, { setting }: AwsPlace): AwsAddress {
  if (endpoint === undefined) return {};
  if (!URL.canParse(endpoint)) {
    throw new SwitchyardError("invalid-config", {
      message: `${setting} is '${endpoint}', which is not a URL`,
      next: `For example:   ${setting}: http://127.0.0.1:8000`,
    });
  }
  const url = new URL(endpoint);
  if (!isConfidential(url)) {
    throw new SwitchyardError("credentials-over-http", {
      message: `${setting} ${endpoint} is plain HTTP to another machine; signed requests would be readable on the way`,
      next: "Use https, or an address of this machine.",
    });
  }
  // Servers on this machine take any credentials; a user's real ones have no business there.
  const local = url.protocol === "http:";
  return { endpoint, ...(local ? { credentials: { accessKeyId: "local", secretAccessKey: "local" } } : {}) };
}

const addressed = z.object({ protocol: z.string(), hostname: z.string() });

/** AWS's own variables and profiles may name an address too. Errors: credentials-over-http, before anything is sent. */
export function assertConfidentialRequest(request: unknown, { service, setting, variable }: AwsPlace): void {
  const { protocol, hostname } = addressed.parse(request);
  const host = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
  if (isConfidential(new URL(`${protocol}//${host}`))) return;
  throw new SwitchyardError("credentials-over-http", {
    message: `signed requests to ${service} would go over plain HTTP to ${hostname}`,
    next: `Use https, or an address of this machine, in ${[...new Set([setting, variable, "AWS_ENDPOINT_URL"])].join(", ")}.`,
  });
}

/** Where it stands among a client's middleware: what is sent is known by then, and not yet signed. */
export const confidentialStep = Object.freeze({ step: "build", name: "confidentialOnly" } as const);

/** Middleware of a client: nothing is sent where a signed request could be read. */
export const confidentialOnly =
  (place: AwsPlace) =>
  <Args extends { readonly request?: unknown }, Result>(next: (args: Args) => Promise<Result>) =>
  async (args: Args): Promise<Result> => {
    assertConfidentialRequest(args.request, place);
    return next(args);
  };

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Those that requests were signed with: AWS repeats parts of a request whose signature it refuses, the session's token among them. */
export async function secretsOf(credentials: () => Promise<AwsCredentials | undefined>): Promise<readonly string[]> {
  try {
    const { accessKeyId, secretAccessKey, sessionToken = "" } = (await credentials()) ?? {};
    return [accessKeyId ?? "", secretAccessKey ?? "", sessionToken];
  } catch {
    // None could be had, so none was sent.
    return [];
  }
}

/** Errors of AWS's clients are told apart by name. */
export function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

/** Whether AWS got no credentials, or none that it takes. */
export function isCredentialsError(error: unknown): boolean {
  return isNamed(
    error,
    "CredentialsProviderError",
    "UnrecognizedClientException",
    "ExpiredTokenException",
    "InvalidSignatureException",
  );
}

export const awsLogin = "Run `aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.";
