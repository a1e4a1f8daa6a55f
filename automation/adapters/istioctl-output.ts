/** What istioctl prints, as it really does: log lines among JSON, one document per istiod, nothing where all is well. Pure. */
import { z } from "zod";
import type { AnalysisMessage, MeshVersions, ProxyStatus } from "../ports/mesh-inspector.ts";
import { parseJson } from "./json-text.ts";

/** What a program printed and how it ended. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  /** Its exit status; -1: ended by a signal. */
  readonly code: number;
}

/** What cannot be understood, in a few words. */
export interface NotUnderstood {
  readonly why: string;
}

export type Understood<Value> = { readonly value: Value } | NotUnderstood;

const logLine = /^\d{4}-\d\d-\d\dT[\d:.]+Z\t(\w+)\t/;
/** A watch that failed is only logged, and what it would have seen is then missing from the result. */
const incomplete = /watch error|failed to list|is forbidden|Unauthorized|connection refused/;

const messagesSchema = z.array(
  z.object({
    code: z.string(),
    level: z.enum(["Info", "Warning", "Error"]),
    origin: z.string().default(""),
    message: z.string(),
    cluster: z.string().optional(),
  }),
);

/** Of `analyze --list-analyzers`: a line each, `* gateway.SecretAnalyzer:`. */
export function readAnalyzers(printed: Printed): Understood<readonly string[]> {
  const names = [...printed.stdout.matchAll(/^\* ([\w.]+):/gm)].map(([, name = ""]) => name);
  return printed.code === 0 && names.length > 0 ? { value: names } : failed(printed);
}

/** Of `analyze -o json`, whose exit status is 0 whatever it found. `context`: that of the cluster seen a second time, as a remote one. */
export function readAnalysis(printed: Printed, context?: string): Understood<readonly AnalysisMessage[]> {
  if (printed.code !== 0) return failed(printed);
  const { json, logs } = withoutLog(printed.stdout);
  const missing = logs.find((line) => incomplete.test(line));
  if (missing !== undefined) return { why: `the result is not complete: ${short(missing)}` };
  return messages(json, ({ cluster }) => cluster === undefined || cluster !== context);
}

/** Whether who asks may install Istio by hand: Flux does that, and guard may not. */
const ownRights = "IST0141";

/**
 * Of `x precheck -o json`: exit status 1 where it has warnings, and no output at all where it has none. What it says of the rights of
 * who asks is left out.
 */
export function readPrecheck(printed: Printed): Understood<readonly AnalysisMessage[]> {
  const { json, logs } = withoutLog(printed.stdout);
  const missing = logs.find((line) => incomplete.test(line));
  if (missing !== undefined) return { why: `the result is not complete: ${short(missing)}` };
  if (json === "") return printed.code === 0 ? { value: [] } : failed(printed);
  if (printed.code !== 0 && printed.code !== 1) return failed(printed);
  return messages(json, ({ code, origin }) => code !== ownRights || origin !== "Cluster");
}

type Message = z.output<typeof messagesSchema>[number];

function messages(json: string, keep: (message: Message) => boolean): Understood<readonly AnalysisMessage[]> {
  const parsed = messagesSchema.safeParse(parseJson(json));
  if (!parsed.success) return { why: `what it printed is no list of messages: ${short(json)}` };
  const kept = parsed.data.filter(keep);
  return { value: kept.map(({ code, level, origin, message }) => ({ code, level, origin, message })) };
}

const build = z.object({ version: z.string().min(1) });
const versionsSchema = z.object({
  clientVersion: build,
  meshVersion: z.array(z.object({ Component: z.string(), Revision: z.string().default(""), Info: build })).optional(),
  dataPlaneVersion: z.array(z.object({ ID: z.string(), IstioVersion: z.string() })).optional(),
});

const noControlPlane = /no running Istio pods/;

/** Of `version -o json`, which leaves out what it could not find and exits with 0. */
export function readVersions(printed: Printed): Understood<MeshVersions> {
  const parsed = versionsOf(printed);
  if ("why" in parsed) return parsed;
  const { clientVersion, meshVersion, dataPlaneVersion } = parsed.value;
  const client = clientVersion.version;
  // Some control planes may have answered: then it prints those, and an error.
  const complaint = lines(printed.stderr).find((line) => /^(Istio is not present|: )|[Ee]rror/.test(line));
  if (meshVersion === undefined && noControlPlane.test(printed.stderr))
    return { value: { client, controlPlanes: [], proxies: [] } };
  if (meshVersion === undefined || complaint !== undefined)
    return { why: `it does not know the control planes: ${short(complaint ?? "it does not say why")}` };
  if (dataPlaneVersion === undefined) return { why: "it does not know the proxies, and does not say why" };
  return {
    value: {
      client,
      controlPlanes: meshVersion.map(({ Revision, Info }) => ({ revision: Revision, version: Info.version })),
      proxies: dataPlaneVersion.map(({ ID, IstioVersion }) => ({ id: ID, version: IstioVersion })),
    },
  };
}

/** Of `version --remote=false -o json`: its own. */
export function readClientVersion(printed: Printed): Understood<string> {
  const parsed = versionsOf(printed);
  return "why" in parsed ? parsed : { value: parsed.value.clientVersion.version };
}

function versionsOf(printed: Printed): Understood<z.output<typeof versionsSchema>> {
  if (printed.code !== 0) return failed(printed);
  const { json } = withoutLog(printed.stdout);
  const parsed = versionsSchema.safeParse(parseJson(json));
  return parsed.success ? { value: parsed.data } : { why: `what it printed is no version: ${short(json)}` };
}

const syncSchema = z.object({
  resources: z
    .array(
      z.object({
        node: z.object({ id: z.string(), metadata: z.looseObject({ ISTIO_VERSION: z.string().default("") }) }),
        // Left out where it is the first of its kinds, UNKNOWN.
        genericXdsConfigs: z
          .array(z.object({ typeUrl: z.string().default(""), configStatus: z.string().default("UNKNOWN") }))
          .default([]),
      }),
    )
    .default([]),
  controlPlane: z.object({ identifier: z.string() }),
});
const identifierSchema = z.object({ Info: build });

/** Of `proxy-status -o json`: a document per istiod, one after the other. */
export function readProxyStatus(printed: Printed): Understood<readonly ProxyStatus[]> {
  if (printed.code !== 0) return failed(printed);
  const { json } = withoutLog(printed.stdout);
  const documents = splitDocuments(json);
  if (documents === undefined || documents.length === 0) return { why: `what it printed is no JSON: ${short(json)}` };
  const proxies: ProxyStatus[] = [];
  for (const text of documents) {
    const parsed = syncSchema.safeParse(parseJson(text));
    const plane = identifierSchema.safeParse(
      parsed.success ? parseJson(parsed.data.controlPlane.identifier) : undefined,
    );
    if (!parsed.success || !plane.success) return { why: `what it printed is no status of proxies: ${short(text)}` };
    for (const { node, genericXdsConfigs } of parsed.data.resources)
      proxies.push({
        id: node.id,
        version: node.metadata.ISTIO_VERSION,
        controlPlane: plane.data.Info.version,
        state: worst(genericXdsConfigs.map(({ configStatus }) => configStatus)),
      });
  }
  return { value: proxies };
}

/** A proxy that was sent nothing at all is not known to be in step. */
function worst(statuses: readonly string[]): ProxyStatus["state"] {
  if (statuses.some((one) => one === "STALE" || one === "ERROR")) return "stale";
  if (statuses.length === 0 || statuses.some((one) => one !== "SYNCED" && one !== "NOT_SENT")) return "unknown";
  return "synced";
}

/** Texts of JSON objects that follow each other; undefined where one does not end. */
export function splitDocuments(text: string): readonly string[] | undefined {
  const documents: string[] = [];
  let depth = 0;
  let begin = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at];
    if (quoted) {
      if (one === "\\") at += 1;
      else if (one === '"') quoted = false;
    } else if (one === '"') quoted = true;
    else if (one === "{" || one === "[") {
      if (depth === 0) begin = at;
      depth += 1;
    } else if (one === "}" || one === "]") {
      depth -= 1;
      if (depth < 0) return undefined;
      if (depth === 0) documents.push(text.slice(begin, at + 1));
    } else if (depth === 0 && one !== undefined && !/\s/.test(one)) return undefined;
  }
  return depth === 0 && !quoted ? documents : undefined;
}

/** Its log goes to the same stream as its results. */
export function withoutLog(stdout: string): { readonly json: string; readonly logs: readonly string[] } {
  const all = stdout.split("\n");
  const logs = all.filter((line) => logLine.test(line));
  return {
    json: all
      .filter((line) => !logLine.test(line))
      .join("\n")
      .trim(),
    logs,
  };
}

/** The line that says most of why it failed. */
export function complaintOf({ stdout, stderr, code }: Printed): string {
  const said = lines(stderr).find((line) => line.startsWith("Error:")) ?? lines(stderr).at(-1);
  const logged = withoutLog(stdout).logs.at(-1)?.replace(logLine, "");
  return short(said ?? logged ?? `exit status ${code}, and no word`);
}

const failed = (printed: Printed): NotUnderstood => ({ why: `exit status ${printed.code}: ${complaintOf(printed)}` });

const lines = (text: string): readonly string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > 300 ? `${line.slice(0, 300)}...` : line;
}
