import type { FieldError } from "../kubernetes-error.ts";
import { invalidValue, notSimulated, required, unsupportedValue } from "../kubernetes-error.ts";
import type { Container, LifecycleHandler, PodSpec, Probe } from "../objects/pod.ts";
import { sleepSeconds } from "../pods/pre-stop.ts";
import { secretClassOf } from "../pods/secret-volumes.ts";
import { LABEL_PATTERN } from "./name-rules.ts";

const ENVIRONMENT_NAME = /^[ -<>-~]+$/;
const FIELD_PATHS = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.podIP",
] as const;
const FIELD_PATH_OF_MAP = /^metadata\.(labels|annotations)\['[^']+'\]$/;

/** The rules for a pod at `path` (spec, or spec.template.spec). What the local cluster cannot run is refused with the others. */
export function podSpecErrors(spec: PodSpec, path: string, restartPolicies: readonly string[]): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.containers.length === 0) {
    errors.push(required(`${path}.containers`));
  }
  if (spec.containers.length > 1) {
    errors.push(notSimulated(`${path}.containers[1]`, "a pod has one container"));
  }
  if ((spec.initContainers ?? []).length > 0) {
    errors.push(notSimulated(`${path}.initContainers`, "a pod has one container"));
  }
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const secretClass = secretClassOf(volume);
    const at = `${path}.volumes[${index}]`;
    if (secretClass === "") {
      errors.push(required(`${at}.csi.volumeAttributes.secretProviderClass`));
    } else if (secretClass === undefined && volume.emptyDir === undefined) {
      errors.push(
        notSimulated(
          at,
          "use emptyDir, a csi volume of Google's Secret Manager add-on, or env with configMapKeyRef or secretKeyRef",
        ),
      );
    }
  }
  if (!restartPolicies.includes(spec.restartPolicy)) {
    errors.push(unsupportedValue(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies));
  }
  if (spec.terminationGracePeriodSeconds < 0) {
    errors.push(notNegative(`${path}.terminationGracePeriodSeconds`, spec.terminationGracePeriodSeconds));
  }
  for (const [index, container] of spec.containers.entries()) {
    errors.push(...containerErrors(container, `${path}.containers[${index}]`, spec));
  }
  return errors;
}

function containerErrors(container: Container, path: string, spec: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (!LABEL_PATTERN.test(container.name) || container.name.length > 63) {
    errors.push(
      invalidValue(
        `${path}.name`,
        container.name,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
      ),
    );
  }
  if (container.image === "") {
    errors.push(required(`${path}.image`));
  } else if (container.image.trim() !== container.image) {
    errors.push(invalidValue(`${path}.image`, container.image, "must not have leading or trailing whitespace"));
  }
  if ((container.args ?? []).length > 0 && (container.command ?? []).length === 0) {
    errors.push(notSimulated(`${path}.args`, "give command as well, since an image here has one start command"));
  }
  errors.push(...environmentErrors(container, path));
  for (const [index, port] of (container.ports ?? []).entries()) {
    if (port.containerPort < 1 || port.containerPort > 65535) {
      errors.push(
        invalidValue(
          `${path}.ports[${index}].containerPort`,
          port.containerPort,
          "must be between 1 and 65535, inclusive",
        ),
      );
    }
  }
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    if (!(spec.volumes ?? []).some((volume) => volume.name === mount.name)) {
      errors.push({ path: `${path}.volumeMounts[${index}].name`, text: `Not found: "${mount.name}"` });
    }
  }
  for (const kind of ["startupProbe", "livenessProbe", "readinessProbe"] as const) {
    const probe = container[kind];
    if (probe !== undefined) {
      errors.push(...probeErrors(probe, `${path}.${kind}`, container, kind !== "readinessProbe"));
    }
  }
  if (container.lifecycle?.postStart !== undefined) {
    errors.push(notSimulated(`${path}.lifecycle.postStart`, "do it when the process starts"));
  }
  if (container.lifecycle?.preStop !== undefined) {
    errors.push(...preStopErrors(container.lifecycle.preStop, `${path}.lifecycle.preStop`, container, spec));
  }
  return errors;
}

function environmentErrors(container: Container, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, variable] of (container.env ?? []).entries()) {
    const at = `${path}.env[${index}]`;
    if (variable.name === "") {
      errors.push(required(`${at}.name`));
    } else if (!ENVIRONMENT_NAME.test(variable.name)) {
      errors.push(
        invalidValue(
          `${at}.name`,
          variable.name,
          "a valid environment variable name must consist only of printable ASCII characters other than '='",
        ),
      );
    }
    const { valueFrom } = variable;
    if (valueFrom === undefined) {
      continue;
    }
    if ((variable.value ?? "") !== "") {
      errors.push(invalidValue(`${at}.valueFrom`, "", "may not be specified when `value` is not empty"));
    }
    if (valueFrom.resourceFieldRef !== undefined) {
      errors.push(notSimulated(`${at}.valueFrom.resourceFieldRef`, "use value"));
    } else if (valueFrom.fieldRef !== undefined) {
      const field = valueFrom.fieldRef.fieldPath;
      if (!FIELD_PATHS.some((known) => known === field) && !FIELD_PATH_OF_MAP.test(field)) {
        errors.push(unsupportedValue(`${at}.valueFrom.fieldRef.fieldPath`, field, FIELD_PATHS));
      }
    } else if (valueFrom.configMapKeyRef === undefined && valueFrom.secretKeyRef === undefined) {
      errors.push(
        invalidValue(
          `${at}.valueFrom`,
          "",
          "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        ),
      );
    }
  }
  return errors;
}

function probeErrors(probe: Probe, path: string, container: Container, onlyOneSuccess: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const handlers = [probe.httpGet, probe.tcpSocket, probe.exec, probe.grpc].filter((handler) => handler !== undefined);
  if (handlers.length === 0) {
    errors.push(required(path, "must specify a handler type"));
  } else if (handlers.length > 1) {
    errors.push({ path, text: "Forbidden: may not specify more than 1 handler type" });
  }
  if (probe.exec !== undefined) {
    errors.push(notSimulated(`${path}.exec`, "use httpGet or tcpSocket"));
  }
  if (probe.grpc !== undefined) {
    errors.push(notSimulated(`${path}.grpc`, "use httpGet or tcpSocket"));
  }
  for (const field of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ] as const) {
    const least = field === "initialDelaySeconds" ? 0 : 1;
    if (probe[field] < least) {
      errors.push(
        least === 0
          ? notNegative(`${path}.${field}`, probe[field])
          : invalidValue(`${path}.${field}`, probe[field], "must be greater than 0"),
      );
    }
  }
  if (onlyOneSuccess && probe.successThreshold > 1) {
    errors.push(invalidValue(`${path}.successThreshold`, probe.successThreshold, "must be 1"));
  }
  if (probe.httpGet !== undefined) {
    if (probe.httpGet.scheme !== "HTTP") {
      errors.push(
        probe.httpGet.scheme === "HTTPS"
          ? notSimulated(`${path}.httpGet.scheme`, "use HTTP")
          : unsupportedValue(`${path}.httpGet.scheme`, probe.httpGet.scheme, ["HTTP", "HTTPS"]),
      );
    }
    errors.push(...portErrors(probe.httpGet.port, `${path}.httpGet.port`, container));
  }
  if (probe.tcpSocket !== undefined) {
    errors.push(...portErrors(probe.tcpSocket.port, `${path}.tcpSocket.port`, container));
  }
  return errors;
}

/** A name must be one of the container's ports; the API server leaves that to the kubelet, which would never find it. */
function portErrors(port: number | string, path: string, container: Container): FieldError[] {
  if (typeof port === "number") {
    return port < 1 || port > 65535 ? [invalidValue(path, port, "must be between 1 and 65535, inclusive")] : [];
  }
  return (container.ports ?? []).some((declared) => declared.name === port)
    ? []
    : [invalidValue(path, port, "no port of the container has that name")];
}

function preStopErrors(handler: LifecycleHandler, path: string, container: Container, spec: PodSpec): FieldError[] {
  if (handler.tcpSocket !== undefined) {
    return [notSimulated(`${path}.tcpSocket`, "use sleep or httpGet")];
  }
  if (handler.httpGet !== undefined) {
    return portErrors(handler.httpGet.port, `${path}.httpGet.port`, container);
  }
  const seconds = sleepSeconds(handler);
  if (seconds === undefined) {
    return handler.exec === undefined
      ? [required(path, "must specify a handler type")]
      : [notSimulated(`${path}.exec.command`, 'use sleep, httpGet, or the command ["sleep", "SECONDS"]')];
  }
  if (handler.sleep !== undefined && (seconds < 0 || seconds > spec.terminationGracePeriodSeconds)) {
    return [
      invalidValue(
        `${path}.sleep`,
        seconds,
        `must be non-negative and less than terminationGracePeriodSeconds (${spec.terminationGracePeriodSeconds}). Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.`,
      ),
    ];
  }
  return [];
}

function notNegative(path: string, value: number): FieldError {
  return invalidValue(path, value, "must be greater than or equal to 0");
}
