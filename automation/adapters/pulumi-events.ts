/** Pure: the engine's events as progress, outputs, numbers of changes and failures. */
import type { StackName, StackProgress } from "../ports/stack-engine.ts";
import type { EngineEvent } from "./pulumi-automation-api.ts";
import { withoutSecrets } from "./without-secrets.ts";

/** A diagnostic that the engine or the program printed. */
export interface Diagnostic {
  readonly severity: "info" | "warning" | "error";
  /** Empty when the text is about no resource. */
  readonly urn: string;
  readonly message: string;
}

/** What an operation's events add up to. */
export interface EventSummary {
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly changes: Readonly<Record<string, number>>;
  readonly errors: readonly Diagnostic[];
  /** URNs of the resources whose step failed. */
  readonly failed: readonly string[];
  /** Of the mandatory stateless rules, as the pack words them. */
  readonly violations: readonly Diagnostic[];
}

/** As policy/index.ts calls it. */
const statelessPack = "switchyard-stateless";
const stackType = "pulumi:pulumi:Stack";
/** What previews show in place of a value that only an update can know. */
const unknownMarker = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const secretKey = "4dabf18193072939515e22adb298388d";
/** In place of a secret: outputs are printed and written to reports. */
export const secretText = "[secret]";
export const unknownText = "[unknown]";

const operations: Readonly<Record<string, StackProgress["operation"]>> = {
  create: "create",
  update: "update",
  delete: "delete",
  replace: "replace",
  "create-replacement": "replace",
  "delete-replaced": "delete",
  read: "read",
  "read-replacement": "read",
  "read-discard": "read",
  "discard-replaced": "read",
  import: "read",
  "import-replacement": "read",
  refresh: "refresh",
  same: "same",
};

/** `urn:pulumi:gke.local::switchyard::gcp:compute/urlMap:URLMap::map` -> `gcp:compute/urlMap:URLMap map`. */
export function resourceOfUrn(urn: string): string {
  const [, , types, ...name] = urn.split("::");
  return types === undefined ? urn : `${types.split("$").at(-1) ?? types} ${name.join("::")}`;
}

/** Folds one operation's events. */
export class EventFold {
  private readonly stack: StackName;
  /** What the engine's variables hold, and a provider may quote. */
  private readonly secrets: readonly string[];
  private outputs: Readonly<Record<string, unknown>> = {};
  private changes: Readonly<Record<string, number>> = {};
  private readonly errors: Diagnostic[] = [];
  private readonly failed: string[] = [];
  private readonly violations: Diagnostic[] = [];

  constructor(stack: StackName, secrets: readonly string[] = []) {
    this.stack = stack;
    this.secrets = secrets;
  }

  /** Takes one event; returns the line of progress that it is worth, if any. */
  take(event: EngineEvent): { progress?: StackProgress; diagnostic?: Diagnostic } {
    if (event.summaryEvent) this.changes = countChanges(event.summaryEvent.resourceChanges);
    if (event.diagnosticEvent) return this.takeDiagnostic(event.diagnosticEvent);
    if (event.policyEvent) this.takePolicy(event.policyEvent);
    if (event.resourcePreEvent) return this.step(event.resourcePreEvent.metadata, "started");
    if (event.resOpFailedEvent) {
      this.failed.push(event.resOpFailedEvent.metadata.urn);
      return this.step(event.resOpFailedEvent.metadata, "failed");
    }
    if (event.resOutputsEvent) {
      const { metadata } = event.resOutputsEvent;
      if (metadata.type === stackType && metadata.new && metadata.op !== "refresh") {
        this.outputs = readableOutputs(metadata.new.outputs);
      }
      return this.step(metadata, "done");
    }
    return {};
  }

  summary(): EventSummary {
    const { outputs, changes, errors, failed, violations } = this;
    return { outputs, changes, errors, failed, violations };
  }

  /** Packs of other people are told by the engine's own words. */
  private takePolicy(event: NonNullable<EngineEvent["policyEvent"]>): void {
    const { policyPackName, enforcementLevel, resourceUrn = "", message } = event;
    if (policyPackName === statelessPack && enforcementLevel === "mandatory")
      this.violations.push({ severity: "error", urn: resourceUrn, message: withoutSecrets(message, this.secrets) });
  }

  private takeDiagnostic(event: NonNullable<EngineEvent["diagnosticEvent"]>): {
    progress?: StackProgress;
    diagnostic?: Diagnostic;
  } {
    // Debug lines arrive with every event log; they come under a severity that the type does not name.
    const severity: string = event.severity;
    if (severity === "debug" || event.ephemeral === true) return {};
    const text = withoutSecrets(event.message, this.secrets).trim();
    // That the pack's starter is found on the PATH is how it is meant to be.
    if (text === "" || text.startsWith("using pulumi-analyzer-policy-switchyard from $PATH")) return {};
    const diagnostic: Diagnostic = {
      severity: severity === "error" || severity === "warning" ? severity : "info",
      urn: event.urn ?? "",
      message: text,
    };
    if (diagnostic.severity === "error") this.errors.push(diagnostic);
    const progress: StackProgress = {
      stack: this.stack,
      operation: "diagnostic",
      resource: text,
      state: diagnostic.severity === "error" ? "failed" : "done",
    };
    return { progress, diagnostic };
  }

  private step(
    metadata: { readonly op: string; readonly urn: string; readonly type: string },
    state: StackProgress["state"],
  ): { progress?: StackProgress } {
    const operation = operations[metadata.op];
    if (operation === undefined || metadata.type.startsWith("pulumi:")) return {};
    return { progress: { stack: this.stack, operation, resource: resourceOfUrn(metadata.urn), state } };
  }
}

function countChanges(changes: Readonly<Partial<Record<string, number>>>): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [operation, count] of Object.entries(changes)) if (count !== undefined) counts[operation] = count;
  return counts;
}

/** Outputs as `pulumi stack output --json` shows them: a secret and what cannot be known yet have a text in their place. */
export function readableOutputs(outputs: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, readable(value)]));
}

function readable(value: unknown): unknown {
  if (value === unknownMarker) return unknownText;
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object" || value === null) return value;
  if (secretKey in value) return secretText;
  return readableOutputs(value as Readonly<Record<string, unknown>>);
}
