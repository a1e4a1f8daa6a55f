/** An answer of the API server that is not a success: metav1.Status with code, reason and message. */
export class KubernetesError extends Error {
  /** HTTP status, for example 404. */
  readonly status: number;
  /** metav1.StatusReason, for example NotFound. */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = "KubernetesError";
    this.status = status;
    this.reason = reason;
  }
}

/** What a message needs to know of a kind. */
export interface NamedKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
}

/** "apps" of "apps/v1"; empty for the core group. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

/** `deployments.apps`, as the API server writes a resource in messages. */
export function resourceName(kind: NamedKind): string {
  const group = groupOf(kind.apiVersion);
  return group === "" ? kind.plural : `${kind.plural}.${group}`;
}

/** `Deployment.apps`, as the API server writes a kind in messages. */
function qualifiedKind(kind: NamedKind): string {
  const group = groupOf(kind.apiVersion);
  return group === "" ? kind.kind : `${kind.kind}.${group}`;
}

export function notFound(kind: NamedKind, name: string): KubernetesError {
  return new KubernetesError(404, "NotFound", `${resourceName(kind)} "${name}" not found`);
}

export function namespaceNotFound(namespace: string): KubernetesError {
  return new KubernetesError(404, "NotFound", `namespaces "${namespace}" not found`);
}

export function noMatches(apiVersion: string, kind: string): KubernetesError {
  return new KubernetesError(404, "NotFound", `no matches for kind "${kind}" in version "${apiVersion}"`);
}

export function forbidden(kind: NamedKind, name: string, detail: string): KubernetesError {
  return new KubernetesError(403, "Forbidden", `${resourceName(kind)} "${name}" is forbidden: ${detail}`);
}

export function badRequest(message: string): KubernetesError {
  return new KubernetesError(400, "BadRequest", message);
}

export function conflict(kind: NamedKind, name: string, detail: string): KubernetesError {
  return new KubernetesError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${resourceName(kind)} "${name}": ${detail}`,
  );
}

/** One field that was not accepted, already in the API server's words after the path. */
export interface FieldError {
  /** spec.template.spec.containers[0].image */
  readonly path: string;
  readonly text: string;
}

export function required(path: string, detail = ""): FieldError {
  return { path, text: detail === "" ? "Required value" : `Required value: ${detail}` };
}

export function invalidValue(path: string, value: unknown, detail: string): FieldError {
  return { path, text: `Invalid value: ${JSON.stringify(value)}: ${detail}` };
}

export function unsupportedValue(path: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((entry) => `"${entry}"`).join(", ");
  return { path, text: `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}` };
}

export function forbiddenField(path: string, detail: string): FieldError {
  return { path, text: `Forbidden: ${detail}` };
}

/** For what a real cluster accepts and this one cannot do: refused, so that nobody takes it for working. */
export function notSimulated(path: string, instead: string): FieldError {
  return { path, text: `not simulated by the local cluster; ${instead}` };
}

/** 422 with all fields at once, in the API server's form. */
export function invalid(kind: NamedKind, name: string, errors: readonly FieldError[]): KubernetesError {
  const texts = errors.map((error) => `${error.path}: ${error.text}`);
  const list = texts.length === 1 ? texts.join("") : `[${texts.join(", ")}]`;
  return new KubernetesError(422, "Invalid", `${qualifiedKind(kind)} "${name}" is invalid: ${list}`);
}
