import type { Container, Pod } from "../objects/pod.ts";
import type { ConfigMap, Secret } from "../objects/settings.ts";

/** Where a pod's references are looked up, in its own namespace. */
export interface EnvironmentSources {
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
}

/** A pod is reached on loopback, so that is its address. */
export const POD_IP = "127.0.0.1";

/** What a container is started with. */
export interface ContainerStart {
  readonly kind: "start";
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: the image's start command. */
  readonly command: readonly string[] | undefined;
}

/** The kubelet's CreateContainerConfigError; it goes away when the referenced object appears. */
export interface ConfigError {
  readonly kind: "config-error";
  readonly message: string;
}

type Lookup = { readonly value: string | undefined } | ConfigError;

/** Environment and command of a container, with $(NAME) expanded as the kubelet does. */
export function containerStart(
  pod: Pod,
  container: Container,
  sources: EnvironmentSources,
): ContainerStart | ConfigError {
  const env: Record<string, string> = {
    HOSTNAME: pod.metadata.name,
    KUBERNETES_SERVICE_HOST: "10.96.0.1",
    KUBERNETES_SERVICE_PORT: "443",
  };
  for (const source of container.envFrom ?? []) {
    const error = addAll(env, source, pod, sources);
    if (error !== undefined) return error;
  }
  for (const variable of container.env ?? []) {
    const found: Lookup =
      variable.valueFrom === undefined
        ? { value: expand(variable.value ?? "", env) }
        : lookUp(variable.valueFrom, pod, sources);
    if ("kind" in found) return found;
    if (found.value !== undefined) env[variable.name] = found.value;
  }
  const command = [...(container.command ?? []), ...(container.args ?? [])].map((part) => expand(part, env));
  return { kind: "start", env, command: command.length === 0 ? undefined : command };
}

/** `$(NAME)` becomes the value of an earlier variable, stays as it is for an unknown one, and `$$(NAME)` is an escaped `$(NAME)`. */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$\$|\$\(([^()]+)\)/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (env[name] ?? whole),
  );
}

function addAll(
  env: Record<string, string>,
  source: NonNullable<Container["envFrom"]>[number],
  pod: Pod,
  sources: EnvironmentSources,
): ConfigError | undefined {
  const { configMapRef, secretRef, prefix } = source;
  if (configMapRef !== undefined) {
    const map = sources.configMap(configMapRef.name);
    if (map === undefined && !configMapRef.optional) return missing("configmap", configMapRef.name);
    for (const [key, value] of Object.entries(map?.data ?? {})) env[prefix + key] = value;
  }
  if (secretRef !== undefined) {
    const secret = sources.secret(secretRef.name);
    if (secret === undefined && !secretRef.optional) return missing("secret", secretRef.name);
    for (const [key, value] of Object.entries(secret?.data ?? {})) env[prefix + key] = decodeBase64(value);
  }
  return undefined;

  function missing(kind: string, name: string): ConfigError {
    return { kind: "config-error", message: `${kind} "${pod.metadata.namespace}/${name}" not found` };
  }
}

function lookUp(
  from: NonNullable<NonNullable<Container["env"]>[number]["valueFrom"]>,
  pod: Pod,
  sources: EnvironmentSources,
): Lookup {
  if (from.fieldRef !== undefined) {
    return { value: field(pod, from.fieldRef.fieldPath) };
  }
  if (from.configMapKeyRef !== undefined) {
    const { name, key, optional } = from.configMapKeyRef;
    const map = sources.configMap(name);
    return oneKey("ConfigMap", name, key, optional, pod, map !== undefined, map?.data?.[key]);
  }
  if (from.secretKeyRef !== undefined) {
    const { name, key, optional } = from.secretKeyRef;
    const secret = sources.secret(name);
    const value = secret?.data?.[key];
    return oneKey(
      "Secret",
      name,
      key,
      optional,
      pod,
      secret !== undefined,
      value === undefined ? undefined : decodeBase64(value),
    );
  }
  return { value: undefined };
}

function oneKey(
  kind: "ConfigMap" | "Secret",
  name: string,
  key: string,
  optional: boolean,
  pod: Pod,
  exists: boolean,
  value: string | undefined,
): Lookup {
  if (value !== undefined || optional) {
    return { value };
  }
  const { namespace } = pod.metadata;
  return {
    kind: "config-error",
    message: exists
      ? `couldn't find key ${key} in ${kind} ${namespace}/${name}`
      : `${kind.toLowerCase()} "${name}" not found`,
  };
}

function field(pod: Pod, path: string): string {
  const ofMap = /^metadata\.(labels|annotations)\['([^']+)'\]$/.exec(path);
  if (ofMap !== null) {
    const map = ofMap[1] === "labels" ? pod.metadata.labels : pod.metadata.annotations;
    return map[ofMap[2] ?? ""] ?? "";
  }
  const fields: Readonly<Record<string, string>> = {
    "metadata.name": pod.metadata.name,
    "metadata.namespace": pod.metadata.namespace,
    "metadata.uid": pod.metadata.uid,
    "spec.nodeName": pod.spec.nodeName ?? "",
    "spec.serviceAccountName": pod.spec.serviceAccountName,
    "status.hostIP": POD_IP,
    "status.podIP": POD_IP,
  };
  return fields[path] ?? "";
}

function decodeBase64(value: string): string {
  return Buffer.from(value, "base64").toString("utf8");
}
