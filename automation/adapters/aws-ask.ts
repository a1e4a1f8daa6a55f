/** One question to AWS about a cluster: in its turn, again where that can help, its errors as ours. No client library is here. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import { awsLogin, awsTimeouts, isNamed } from "./aws-client.ts";
import { clockSkewFinding } from "./clock-skew.ts";
import { errorWithoutSecrets } from "./without-secrets.ts";

export interface AwsSurroundings {
  /** AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL_EKS are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, "wall" | "sleep">;
  /** Waits until one more request may be sent. */
  turn(signal?: AbortSignal): Promise<void>;
}

export interface AwsQuestion<Answer> {
  /** AssumeRole arn:… */
  readonly what: string;
  ask(): Promise<Answer>;
  /** Those that it was signed with. */
  secrets(): Promise<readonly string[]>;
  /** Header Date of the last reply. */
  serverDate(): string | undefined;
  readonly signal: AbortSignal | undefined;
}

const attempts = 4;
const firstPauseMs = 500;

/** Errors: cluster-refused, cluster-unreachable. */
export async function askAws<Answer>(surroundings: AwsSurroundings, question: AwsQuestion<Answer>): Promise<Answer> {
  const { clock, turn } = surroundings;
  const { signal } = question;
  for (let attempt = 1; ; attempt += 1) {
    await turn(signal);
    try {
      return await question.ask();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof SwitchyardError || !(error instanceof Error)) throw error;
      if (attempt === attempts || !isPassing(error)) throw await asClusterError(error, question, clock.wall());
      await clock.sleep(firstPauseMs * 2 ** (attempt - 1), signal);
    }
  }
}

/** Settings of a client that is asked by this: attempts are counted here, and a wrong clock is told, not hidden, since tokens and soaks depend on it too. */
export const askedClient = Object.freeze({
  maxAttempts: 1,
  requestHandler: awsTimeouts,
  disableClockSkewCorrection: true,
});

/** Keeps the header Date of every reply of the clients that have its middleware. */
export interface DateWatch {
  readonly step: { readonly step: "deserialize"; readonly priority: "low"; readonly name: string };
  middleware<Args, Result extends { readonly response: unknown }>(
    next: (args: Args) => Promise<Result>,
  ): (args: Args) => Promise<Result>;
  last(): string | undefined;
}

const dated = z.object({ headers: z.record(z.string(), z.unknown()) });

export function watchDate(): DateWatch {
  let last: string | undefined;
  return {
    step: { step: "deserialize", priority: "low", name: "serverDate" },
    middleware: (next) => async (args) => {
      const result = await next(args);
      const parsed = dated.safeParse(result.response);
      const date = parsed.success ? parsed.data.headers["date"] : undefined;
      if (typeof date === "string") last = date;
      return result;
    },
    last: () => last,
  };
}

const failed = z.object({ $metadata: z.object({ httpStatusCode: z.number().optional() }).optional() });

/** Throttled, its own failure, or no reply. */
function isPassing(error: Error): boolean {
  const parsed = failed.safeParse(error);
  const status = parsed.success ? parsed.data.$metadata?.httpStatusCode : undefined;
  if (isNamed(error, "CredentialsProviderError")) return false;
  return (
    status === undefined || status >= 500 || status === 429 || /Throttl|TooManyRequests|LimitExceeded/.test(error.name)
  );
}

const refusals =
  /^(AccessDenied|ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|RequestExpired|RequestTimeTooSkewed|MissingAuthenticationToken|OptInRequired|RegionDisabled|CredentialsProvider)/;

async function asClusterError<Answer>(
  thrown: Error,
  { what, secrets, serverDate }: AwsQuestion<Answer>,
  wallMs: number,
): Promise<SwitchyardError> {
  const missing = isNamed(thrown, "CredentialsProviderError");
  // Where there are none, they are not looked for once more, which can take seconds.
  const error = errorWithoutSecrets(thrown, missing ? [] : await secrets());
  const skew = clockSkewFinding(serverDate(), wallMs);
  const said = `AWS did not answer ${what}: ${error.name}: ${error.message}`;
  if (!refusals.test(error.name)) return new SwitchyardError("cluster-unreachable", { message: said, cause: error });
  if (skew !== undefined || isNamed(error, "RequestExpired", "RequestTimeTooSkewed"))
    return new SwitchyardError("cluster-refused", {
      message: `${said}; ${skew ?? "its signature is too old, so that this machine's clock is likely wrong"}`,
      next: "Set this machine's clock, then run the same command again.",
      cause: error,
    });
  const denied = /^AccessDenied/.test(error.name);
  return new SwitchyardError("cluster-refused", {
    message: said,
    ...(denied ? {} : { next: awsLogin }),
    cause: error,
  });
}
