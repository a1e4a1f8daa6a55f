/** The environment variables that the agent reads, checked once at the start. */
import { z } from "zod";

/** The environment is not what the agent needs; the message lists every problem. */
export class SettingsError extends Error {
  constructor(problems: readonly string[]) {
    super(`The agent cannot start: ${problems.join("; ")}.`);
    this.name = "SettingsError";
  }
}

const seconds = z.coerce.number().min(0);

const httpUrl = z.url({ protocol: /^https?$/, error: "must be a URL with http or https" });

const schema = z.object({
  PORT: z
    .string({ error: "is not set. Cloud Run sets it; elsewhere give the port to listen on, for example PORT=8080" })
    .regex(/^\d{1,5}$/, "must be a port number from 0 to 65535")
    .transform(Number)
    .pipe(z.number().max(65_535, "must be a port number from 0 to 65535")),
  HOST: z.string().min(1).default("0.0.0.0"),
  KIRO_VERSION: z.string().min(1).default("unversioned"),
  KIRO_DRAIN_SECONDS: seconds.max(3_600).default(8),
  KIRO_LAME_DUCK_SECONDS: seconds.max(600).optional(),
  KIRO_LOG_LEVEL: z.enum(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]).default("INFO"),
  GOOGLE_CLOUD_PROJECT: z.string().min(1).optional(),
  KIRO_FAIL_BACK_URL: httpUrl.optional(),
  KIRO_FAIL_BACK_ROUTE_URL: httpUrl.optional(),
  KIRO_FAIL_BACK_ROUTE_HOST: z
    .string()
    .regex(/^[a-z0-9.:-]+$/, "must be a host name")
    .optional(),
});

const failBackNames = ["KIRO_FAIL_BACK_URL", "KIRO_FAIL_BACK_ROUTE_URL", "KIRO_FAIL_BACK_ROUTE_HOST"] as const;

export interface Settings {
  /** 0 takes any free port. */
  readonly port: number;
  /** Address to listen on; default 0.0.0.0. */
  readonly host: string;
  readonly version: string;
  /** Time from SIGTERM to the end at the latest, ms; default 8,000. */
  readonly drainMs: number;
  /** Time after SIGTERM during which the agent serves even when idle, ms; undefined leaves it to the platform. */
  readonly lameDuckMs: number | undefined;
  readonly logLevel: z.infer<typeof schema>["KIRO_LOG_LEVEL"];
  readonly project: string | undefined;
  /** The fail-back flag and the way to the other side; undefined: this instance never hands requests back. */
  readonly failBack: { readonly url: string; readonly routeUrl: string; readonly routeHost: string } | undefined;
}

/** Errors: SettingsError with all problems. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    throw new SettingsError(parsed.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`));
  }
  const values = parsed.data;
  return {
    port: values.PORT,
    host: values.HOST,
    version: values.KIRO_VERSION,
    drainMs: values.KIRO_DRAIN_SECONDS * 1_000,
    lameDuckMs: values.KIRO_LAME_DUCK_SECONDS === undefined ? undefined : values.KIRO_LAME_DUCK_SECONDS * 1_000,
    logLevel: values.KIRO_LOG_LEVEL,
    project: values.GOOGLE_CLOUD_PROJECT,
    failBack: failBackOf(values),
  };
}

/** All three or none. Errors: SettingsError. */
function failBackOf(values: z.infer<typeof schema>): Settings["failBack"] {
  const { KIRO_FAIL_BACK_URL: url, KIRO_FAIL_BACK_ROUTE_URL: routeUrl, KIRO_FAIL_BACK_ROUTE_HOST: routeHost } = values;
  if (url !== undefined && routeUrl !== undefined && routeHost !== undefined) return { url, routeUrl, routeHost };
  const missing = failBackNames.filter((name) => values[name] === undefined);
  if (missing.length === failBackNames.length) return undefined;
  throw new SettingsError(missing.map((name) => `${name} is not set, which the fail-back flag needs too`));
}
