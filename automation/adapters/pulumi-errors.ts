/** The engine's raw texts as errors of our catalogue, by one table. The raw text stays as the cause. */
import { type ErrorCode, SwitchyardError } from "../errors.ts";
import { isErrno } from "./process-facts.ts";
import { PulumiProcessError } from "./pulumi-automation-api.ts";
import { type Diagnostic, type EventSummary, resourceOfUrn } from "./pulumi-events.ts";

export interface ErrorContext {
  readonly stack?: string;
  readonly operation?: string;
  readonly root?: string;
  /** Whether the caller asked for the end. */
  readonly cancelled?: boolean;
  readonly events?: EventSummary;
}

interface Explanation {
  readonly message: string;
  readonly next?: string | readonly string[];
  readonly data?: Readonly<Record<string, unknown>>;
}

interface Rule {
  readonly code: ErrorCode;
  /** Tried on stdout and stderr together. */
  readonly pattern: RegExp;
  readonly explain: (match: RegExpExecArray, context: ErrorContext) => Explanation;
}

const of = (context: ErrorContext): string => (context.stack === undefined ? "" : ` of stack ${context.stack}`);
const stackFlag = (context: ErrorContext): string => (context.stack === undefined ? "" : ` --stack ${context.stack}`);

/** First match wins: what stops the engine before it does anything comes before what a resource may say. */
const rules: readonly Rule[] = [
  {
    code: "stack-not-found",
    pattern: /no stack named '([^']+)' found/,
    explain: ([, name]) => ({ message: `There is no stack "${name}" in this backend` }),
  },
  {
    code: "stack-locked",
    pattern: /the stack is currently locked by \d+ lock\(s\)[\s\S]*?created by (\S+) \(pid (\d+)\) at (\S+)/,
    explain: ([, owner, pid, since], context) => ({
      message: `Stack ${context.stack ?? ""} is locked by process ${pid} of ${owner} since ${since}`,
      next: [
        "Wait for that process to end and run the command again.",
        `If it is certain that it is dead: pulumi cancel${stackFlag(context)}`,
      ],
      data: { owner, pid: Number(pid), since },
    }),
  },
  {
    code: "stack-locked",
    pattern: /the stack is currently locked by|\[409\] Conflict: Another update is currently in progress/,
    explain: (_match, context) => ({ message: `Another update${of(context)} is in progress` }),
  },
  {
    code: "stack-passphrase-wrong",
    pattern: /incorrect passphrase/,
    explain: (_match, context) => ({
      message: `The passphrase is not the one that the secrets${of(context)} were encrypted with`,
    }),
  },
  {
    code: "stack-passphrase-wrong",
    pattern:
      /passphrase must be set with PULUMI_CONFIG_PASSPHRASE|unable to read PULUMI_CONFIG_PASSPHRASE_FILE: ([^\n]+)/,
    explain: ([, problem], context) => ({
      message: `The secrets${of(context)} need a passphrase and none was given${problem === undefined ? "" : `: ${problem}`}`,
    }),
  },
  {
    code: "engine-login-required",
    pattern:
      /PULUMI_ACCESS_TOKEN must be set for login|(?:invalid|expired) access token|problem logging in|\[401\] Unauthorized/,
    explain: ([text]) => ({ message: `The engine has to log in to its backend: ${text}` }),
  },
  {
    code: "engine-project-missing",
    pattern: /no Pulumi\.yaml project file found|could not unmarshal '[^']*Pulumi\.yaml': [^\n]+/,
    explain: ([text], context) => ({ message: `${context.root ?? "The folder"} has no usable Pulumi.yaml: ${text}` }),
  },
  {
    code: "engine-config-missing",
    pattern: /Missing required configuration variable '([^']+)'/,
    explain: ([, key], context) => ({
      message: `Setting ${key} is missing from the configuration${of(context)}`,
      next: `Set it: pulumi config set ${key} VALUE${stackFlag(context)}`,
      data: { key },
    }),
  },
  {
    code: "engine-config-missing",
    pattern: /Configuration '([^']+)' value '([^\n]*)' is not (?:a|an) ([^\n]+)/,
    explain: ([, key, value, kind], context) => ({
      message: `Setting ${key}${of(context)} is "${value}", which is not a ${kind}`,
      next: `Set it: pulumi config set ${key} VALUE${stackFlag(context)}`,
      data: { key },
    }),
  },
  {
    code: "invalid-config",
    pattern: /getting stack configuration: (invalid YAML file: [^\n]+|validating stack config: [\s\S]+)/,
    explain: ([, problem], context) => ({
      message: `Pulumi.${context.stack ?? "STACK"}.yaml cannot be used: ${problem?.trim()}`,
    }),
  },
  {
    code: "engine-plugin-missing",
    pattern: /no resource plugin 'pulumi-resource-([^']+)' found/,
    explain: ([, name]) => ({
      message: `The engine has no provider "${name}": it is not installed, and PULUMI_DEBUG_PROVIDERS attaches none of that name`,
      data: { provider: name },
    }),
  },
  {
    code: "engine-provider-unreachable",
    pattern:
      /(\S+) \(resource\) plugin \[[^\]]*\] did not begin responding to RPC connections|could not connect to (?:the )?provider/,
    explain: ([, name]) => ({ message: `Provider "${name ?? ""}" that the engine attaches to does not answer` }),
  },
  {
    code: "engine-state-unusable",
    pattern:
      /error: (failed to load checkpoint: [^\n]+|unable to open bucket [^\n]+|[^\n]*no space left on device|[^\n]*read-only file system|could not read current stack[^\n]*|open [^\n]*permission denied)/,
    explain: ([, problem], context) => ({ message: `The state${of(context)} cannot be used: ${problem}` }),
  },
  {
    code: "policy-violated",
    pattern: /\[mandatory\]\s+([^\n]+)/,
    explain: ([, text]) => ({ message: `A mandatory policy is violated: ${text?.trim()}` }),
  },
];

/** Whatever an operation threw, as our error. What is not the engine's comes back as it is. */
export function explainPulumiError(error: unknown, context: ErrorContext): unknown {
  if (error instanceof SwitchyardError) return error;
  if (context.cancelled === true) return cancelled(error, context);
  if (error instanceof PulumiProcessError) return explainText(error, context);
  if (isErrno(error, "EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENOTDIR", "EEXIST")) {
    return new SwitchyardError("engine-state-unusable", {
      message: `The state${of(context)} cannot be used: ${error instanceof Error ? error.message : ""}`,
      cause: error,
    });
  }
  if (
    isErrno(error, "ENOENT") &&
    error instanceof Error &&
    "syscall" in error &&
    String(error.syscall).startsWith("spawn")
  ) {
    return new SwitchyardError("engine-missing", {
      message: `The engine cannot be started: ${error.message}`,
      cause: error,
    });
  }
  return error;
}

function cancelled(error: unknown, context: ErrorContext): SwitchyardError {
  const what = context.operation ?? "operation";
  const forced = error instanceof PulumiProcessError && (error.result.code === -1 || error.result.code === 8);
  return new SwitchyardError("engine-cancelled", {
    message: forced
      ? `The ${what}${of(context)} was cancelled and did not end in time, so the engine was stopped; the resources in flight may be half done`
      : `The ${what}${of(context)} was cancelled; what it had finished is in the state`,
    cause: error,
  });
}

function explainText(error: PulumiProcessError, context: ErrorContext): SwitchyardError {
  const text = `${error.result.stdout}\n${error.result.stderr}`;
  const data = { ...(context.stack === undefined ? {} : { stack: context.stack }), engineExitCode: error.result.code };
  const failures = resourceFailures(context.events);
  // A provider's message may quote anything, so a failed resource is taken from the events and not from the text.
  if (failures.length > 0) return resourceError(failures, context, data, error);
  for (const { code, pattern, explain } of rules) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const explanation = explain(match, context);
    return new SwitchyardError(code, { ...explanation, data: { ...data, ...explanation.data }, cause: error });
  }
  const said = context.events?.errors ?? [];
  const aboutResource = said.filter(({ urn }) => urn !== "");
  if (aboutResource.length > 0) return resourceError(aboutResource, context, data, error);
  if (said.length > 0) {
    const texts = [...new Set(said.map(({ message }) => programText(message)))].join("; ");
    const aboutSettings = /^The configuration of \S+ has /.test(texts);
    const secretInClear = aboutSettings && texts.includes("allowed: no secret in clear");
    const code = secretInClear ? "literal-secret" : aboutSettings ? "invalid-config" : "engine-program-failed";
    return new SwitchyardError(code, {
      message: aboutSettings ? texts : `The program${of(context)} failed: ${texts}`,
      ...(aboutSettings && !secretInClear
        ? { next: `To set one:   pulumi config set KEY VALUE${stackFlag(context)}` }
        : {}),
      data: { ...data, text: said[0]?.message ?? "" },
      cause: error,
    });
  }
  return new SwitchyardError("engine-failed", {
    message:
      error.result.code === -1
        ? `The engine${of(context)} was killed by a signal; run the command again, the state is repaired where that is safe`
        : `The engine ended with code ${error.result.code}: ${lastError(text)}`,
    data,
    cause: error,
  });
}

/** What was said about the resources whose step failed; a step may fail without a word. */
function resourceFailures(events: EventSummary | undefined): readonly Diagnostic[] {
  return (events?.failed ?? []).map(
    (urn): Diagnostic =>
      events?.errors.find((diagnostic) => diagnostic.urn === urn) ?? {
        severity: "error",
        urn,
        message: "no reason was given",
      },
  );
}

function resourceError(
  failures: readonly Diagnostic[],
  context: ErrorContext,
  data: Readonly<Record<string, unknown>>,
  cause: unknown,
): SwitchyardError {
  const lines = failures.map(({ urn, message }) => `${resourceOfUrn(urn)}: ${message}`);
  return new SwitchyardError("resource-failed", {
    message: `${failures.length} ${failures.length === 1 ? "resource" : "resources"}${of(context)} failed: ${lines.join("; ")}`,
    data: { ...data, resources: failures.map(({ urn, message }) => ({ urn, message })) },
    cause,
  });
}

/** What the program threw, without the words around it and the stack; the engine says the same error in two ways. */
function programText(text: string): string {
  const lines = text.replace(/^(?:Unhandled exception: (?:Error: )?|One or more errors occurred: )/, "").split("\n");
  const stack = lines.findIndex((line) => /^\s+at /.test(line));
  return (stack < 0 ? lines : lines.slice(0, stack)).join("\n").trimEnd();
}

/** The last line that names an error, else the last line. */
function lastError(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return (
    lines.findLast((line) => /^(?:error|panic|fatal error): /.test(line))?.replace(/^error: /, "") ??
    lines.findLast((line) => line !== "") ??
    "it gave no reason"
  );
}
