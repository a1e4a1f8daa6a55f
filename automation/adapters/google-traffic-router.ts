/** The weights of a Google URL map: the array `defaultRouteAction.weightedBackendServices`, which the engine owns. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { TrafficRouter, TrafficState, Weights } from "../ports/traffic-router.ts";
import { type GoogleClient, type GoogleReply, googleErrorText } from "./google-client.ts";

const sideHeader = "x-switchyard-side";
/** Google's weights are whole numbers up to 1,000; ten of them are a percent. */
const perPercent = 10;
/** Most time that an operation may take; the API answers the wait itself within two minutes. */
const operationTimeoutMs = 120_000;

const entrySchema = z.object({ backendService: z.string(), weight: z.int().min(0).max(1_000) });
const urlMapSchema = z.object({
  name: z.string(),
  description: z.string().default(""),
  fingerprint: z.string().min(1),
  defaultRouteAction: z.object({ weightedBackendServices: z.array(entrySchema) }),
});
const operationSchema = z.object({
  name: z.string(),
  status: z.enum(["PENDING", "RUNNING", "DONE"]),
  httpErrorStatusCode: z.int().optional(),
  error: z.object({ errors: z.array(z.object({ code: z.string(), message: z.string().optional() })) }).optional(),
});

type UrlMap = z.infer<typeof urlMapSchema>;

export interface GoogleTrafficRouterOptions {
  readonly client: GoogleClient;
  readonly project: string;
  /** Name of the URL map. */
  readonly urlMap: string;
  /** Backend services are named `<prefix>-<platform>`. */
  readonly backendPrefix: string;
  /** Platforms that may have an entry. */
  readonly platforms: readonly string[];
  /** Monotonic, ms; for the operation's deadline. */
  readonly now?: () => number;
}

/** In the map's description, where people may have written something else too. */
const fencePattern = /(?<=^|\s)switchyard fence=(\S*)(?: write=(\d+))?/g;

/** The fencing token in a URL map's description; 0 when there is none, undefined when it is none that we wrote. */
export function fenceOf(description: string): number | undefined {
  const found = [...description.matchAll(fencePattern)].map(([, text = ""]) =>
    /^\d+$/.test(text) ? Number(text) : NaN,
  );
  // Of two that somebody's editing left, the higher one keeps more writers out.
  const highest = Math.max(0, ...found);
  return Number.isSafeInteger(highest) ? highest : undefined;
}

/**
 * The description with that token in place of an older one; the rest of the text stays. The number of the write makes each
 * change of the map one: a fingerprint is of the content, and a write that is still under way must not find its own again.
 */
export function withFence(description: string, fence: number): string {
  const writes = [...description.matchAll(fencePattern)].map(([, , text = "0"]) => Number(text));
  const write = Math.max(0, ...writes) + 1;
  const rest = description.replace(fencePattern, "").replace(/ {2,}/g, " ").trim();
  return `${rest === "" ? "" : `${rest} `}switchyard fence=${fence} write=${write}`;
}

/** Google's whole-number weights. Errors: traffic-weights-invalid with every problem. */
export function toGoogleWeights(weights: Weights, platforms: readonly string[]): ReadonlyMap<string, number> {
  const problems: string[] = [];
  const entries = Object.entries(weights);
  for (const [platform, percent] of entries) {
    if (!platforms.includes(platform)) problems.push(`${platform} is not one of ${platforms.join(", ")}`);
    const scaled = percent * perPercent;
    if (!Number.isFinite(percent) || percent < 0 || percent > 100)
      problems.push(`${platform}=${percent} is not between 0 and 100`);
    else if (Math.abs(scaled - Math.round(scaled)) > 1e-6)
      problems.push(`${platform}=${percent} has more than one decimal`);
  }
  const sum = entries.reduce((total, [, percent]) => total + Math.round(percent * perPercent), 0);
  if (problems.length === 0 && sum !== 100 * perPercent) problems.push(`they add up to ${sum / perPercent}, not 100`);
  if (problems.length > 0) {
    throw new SwitchyardError("traffic-weights-invalid", {
      message: `the weights cannot be set: ${problems.join("; ")}`,
      data: { weights, problems },
    });
  }
  return new Map(entries.map(([platform, percent]) => [platform, Math.round(percent * perPercent)]));
}

export function createGoogleTrafficRouter(options: GoogleTrafficRouterOptions): TrafficRouter {
  const { client, project, backendPrefix, platforms } = options;
  const now = options.now ?? (() => performance.now());
  const path = `projects/${project}/global/urlMaps/${options.urlMap}`;

  /** As the API gave it last: a write that quotes its fingerprint need not read the description again. */
  let latest: UrlMap | undefined;

  const invalid = (why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("traffic-reply-invalid", {
      message: `the API's answer about URL map ${options.urlMap} is not understood: ${why}`,
      cause,
    });

  const parse = <Schema extends z.ZodType>(schema: Schema, reply: GoogleReply): z.infer<Schema> => {
    const parsed = schema.safeParse(reply.body);
    if (parsed.success) return parsed.data;
    const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);
    throw invalid(problems.join("; "), parsed.error);
  };

  const conflict = (detail: string): SwitchyardError =>
    new SwitchyardError("fingerprint-conflict", {
      message: `URL map ${options.urlMap} was changed since it was read (${detail})`,
    });

  const refuseFailure = (reply: GoogleReply): void => {
    if (reply.status < 400) return;
    const text = googleErrorText(reply);
    if (reply.status === 404) {
      throw new SwitchyardError("traffic-not-found", {
        message: `there is no URL map ${options.urlMap} in project ${project}: ${text}`,
      });
    }
    if (reply.status === 412) throw conflict(text);
    throw new SwitchyardError("traffic-refused", {
      message: `the API refused the request about URL map ${options.urlMap} (${reply.status}): ${text}`,
    });
  };

  const platformOf = (backendService: string): string => {
    const name = backendService.slice(backendService.lastIndexOf("/") + 1);
    const platform = platforms.find((known) => name === `${backendPrefix}-${known}`);
    if (platform === undefined) {
      throw invalid(
        `backend service ${name} belongs to no platform; known are ${platforms.map((known) => `${backendPrefix}-${known}`).join(", ")}`,
      );
    }
    return platform;
  };

  const toState = (map: UrlMap): TrafficState => {
    const entries = map.defaultRouteAction.weightedBackendServices;
    const sum = entries.reduce((total, entry) => total + entry.weight, 0);
    if (sum === 0) throw invalid("its weights add up to 0");
    const weights: Record<string, number> = {};
    for (const entry of entries) {
      const platform = platformOf(entry.backendService);
      if (platform in weights) throw invalid(`${platform} has two entries`);
      weights[platform] = (entry.weight * 100) / sum;
    }
    const fence = fenceOf(map.description);
    if (fence === undefined) {
      throw invalid(
        `its description '${map.description}' holds a damaged fencing token; set it to 'switchyard fence=N', N being the highest token of the journal`,
      );
    }
    return { weights, fingerprint: map.fingerprint, fence };
  };

  const get = async (signal: AbortSignal | undefined): Promise<UrlMap> => {
    const reply = await client.request({ method: "GET", path, signal });
    refuseFailure(reply);
    latest = parse(urlMapSchema, reply);
    return latest;
  };

  const finish = async (started: z.infer<typeof operationSchema>, signal: AbortSignal | undefined): Promise<void> => {
    const begun = now();
    let operation = started;
    while (operation.status !== "DONE") {
      if (now() - begun > operationTimeoutMs) {
        throw new SwitchyardError("traffic-unreachable", {
          message: `operation ${operation.name} on URL map ${options.urlMap} is still ${operation.status} after ${operationTimeoutMs} ms`,
        });
      }
      // `wait` answers when the operation is done, or after two minutes at the latest.
      const waitPath = `projects/${project}/global/operations/${operation.name}/wait`;
      const reply = await client.request({
        method: "POST",
        path: waitPath,
        signal,
        timeoutMs: operationTimeoutMs + 10_000,
      });
      refuseFailure(reply);
      operation = parse(operationSchema, reply);
    }
    const errors = operation.error?.errors ?? [];
    if (errors.length === 0) return;
    const text = errors.map((error) => `${error.code}: ${error.message ?? ""}`).join("; ");
    if (operation.httpErrorStatusCode === 412 || errors.some((error) => error.code === "CONDITION_NOT_MET"))
      throw conflict(text);
    throw new SwitchyardError("traffic-refused", {
      message: `the change of URL map ${options.urlMap} was accepted but failed: ${text}`,
    });
  };

  return {
    async read(signal) {
      return toState(await get(signal));
    },

    async write(weights, fingerprint, fence, signal) {
      const scaled = toGoogleWeights(weights, platforms);
      if (!Number.isSafeInteger(fence) || fence < 0) throw new RangeError(`${fence} is no fencing token.`);
      signal?.throwIfAborted();
      const map = latest?.fingerprint === fingerprint ? latest : await get(signal);
      if (map.fingerprint !== fingerprint) throw conflict("the fingerprint is of an earlier state");
      const weightedBackendServices = [...scaled].map(([platform, weight]) => ({
        backendService: `projects/${project}/global/backendServices/${backendPrefix}-${platform}`,
        weight,
        headerAction: {
          responseHeadersToAdd: [{ headerName: sideHeader, headerValue: platform, replace: true }],
        },
      }));
      // One request, so that the token and the weights hold together or not at all.
      const description = withFence(map.description, fence);
      const body = { fingerprint, description, defaultRouteAction: { weightedBackendServices } };
      const reply = await client.request({ method: "PATCH", path, body, signal });
      refuseFailure(reply);
      await finish(parse(operationSchema, reply), signal);
      return toState(await get(signal));
    },
  };
}
