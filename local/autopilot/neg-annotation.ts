import { z } from "zod";
import type { FieldError } from "./kubernetes-error.ts";
import { invalidValue } from "./kubernetes-error.ts";
import type { Service } from "./objects/service.ts";

/** Asks GKE for network endpoint groups of a Service's ports. */
export const NEG_ANNOTATION = "cloud.google.com/neg";
/** Where GKE says which groups it made. */
export const NEG_STATUS_ANNOTATION = "cloud.google.com/neg-status";

const PATH = `metadata.annotations[${NEG_ANNOTATION}]`;
const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

const annotation = z.object({
  ingress: z.boolean().optional(),
  exposed_ports: z.record(z.string(), z.object({ name: z.string().optional() })).optional(),
});

/** One group that a Service asks for, in every zone. */
export interface WantedGroup {
  /** The Service's port, as a key of the annotation. */
  readonly port: string;
  readonly name: string;
}

/** The standalone groups that the annotation asks for. Nothing for a Service whose annotation is not valid: see negErrors. */
export function wantedGroups(service: Service, cluster: string): readonly WantedGroup[] {
  const ports = parse(service)?.exposed_ports ?? {};
  const { namespace, name } = service.metadata;
  return Object.entries(ports).map(([port, settings]) => ({
    port,
    name: settings.name ?? generatedName(cluster, namespace, name, port),
  }));
}

/** The annotation's value for groups that exist. */
export function negStatus(groups: readonly WantedGroup[], zones: readonly string[]): string {
  return JSON.stringify({
    network_endpoint_groups: Object.fromEntries(groups.map(({ port, name }) => [port, name])),
    zones,
  });
}

/**
 * GKE takes any annotation and reports a bad one as an event that nobody sees; here the Service is refused, so that the groups are not
 * waited for in vain.
 */
export function negErrors(service: Service): FieldError[] {
  const text = service.metadata.annotations[NEG_ANNOTATION];
  if (text === undefined) {
    return [];
  }
  const parsed = parse(service);
  if (parsed === undefined) {
    return [invalidValue(PATH, text, 'must be JSON such as {"exposed_ports":{"80":{"name":"my-group"}}}')];
  }
  return Object.entries(parsed.exposed_ports ?? {}).flatMap(([port, { name }]) => {
    const exists = service.spec.ports.some((declared) => String(declared.port) === port);
    return [
      ...(exists ? [] : [invalidValue(`${PATH}.exposed_ports`, port, "port not found in the Service")]),
      ...(name === undefined || NAME.test(name)
        ? []
        : [
            invalidValue(
              `${PATH}.exposed_ports.${port}.name`,
              name,
              "a group's name has 1-63 lower case letters, digits and hyphens, begins with a letter and does not end with a hyphen",
            ),
          ]),
    ];
  });
}

function parse(service: Service): z.infer<typeof annotation> | undefined {
  const text = service.metadata.annotations[NEG_ANNOTATION];
  if (text === undefined) {
    return undefined;
  }
  try {
    return annotation.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** k8s1-<cluster>-<namespace>-<service>-<port>-<hash>, cut to fit 63 characters; the hash keeps it unique. */
function generatedName(cluster: string, namespace: string, service: string, port: string): string {
  const key = `${cluster};${namespace};${service};${port}`;
  const hash = [...key].reduce((value, letter) => (Math.imul(value, 31) + letter.charCodeAt(0)) >>> 0, 7);
  const short = (text: string, length: number) => text.slice(0, length).replace(/-+$/, "");
  return `k8s1-${short(cluster, 8)}-${short(namespace, 14)}-${short(service, 14)}-${port}-${hash.toString(16).padStart(8, "0")}`;
}
