/** What Pulumi declares, or knows to be there, as the rules take it. Pure. */
import { type ScannedResource, unknownValue } from "./finding.ts";
import { typeOfPulumi } from "./pulumi-resource.ts";

/** A resource as a policy pack is given it, and as a stack's state keeps it. */
export interface PulumiResource {
  readonly type: string;
  readonly urn: string;
  /** Inputs as declared, or of Kubernetes the whole object as it is. */
  readonly properties: object;
}

/** Stand for values that only an update can know, one for each type (@pulumi/policy, proxy.js). */
const unknownMarkers: ReadonlySet<string> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);
/** The member by which Pulumi marks secrets, assets and outputs that travel as objects. */
const signatureKey = "4dabf18193072939515e22adb298388d";

const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** Undefined for what is Pulumi's own: stacks and providers. Components are to be left out by the caller, who knows them. */
export function scannedFromPulumi({ type, urn, properties }: PulumiResource): ScannedResource | undefined {
  if (type.startsWith("pulumi:")) return undefined;
  const object = membersOf(properties);
  const name = urn.split("::").at(-1) ?? urn;
  if (!type.startsWith("kubernetes:")) return { type, name, object, where: urn };
  const { apiVersion, kind } = object;
  // The object's own words come first: the token of a Patch is not what is applied.
  const own = typeof apiVersion === "string" && typeof kind === "string" ? `${apiVersion}/${kind}` : undefined;
  return {
    type: own ?? typeOfPulumi(type),
    name: kubernetesName(object["metadata"]) ?? name,
    object,
    where: urn,
  };
}

function kubernetesName(metadata: unknown): string | undefined {
  if (typeof metadata !== "object" || metadata === null) return undefined;
  const { namespace, name } = metadata as Readonly<Record<string, unknown>>;
  const known = textOf(name);
  return known === undefined ? undefined : `${textOf(namespace) ?? "default"}/${known}`;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** A plain copy. Descriptors, since the SDK's objects throw where an unknown value is read the usual way. */
function membersOf(value: object): Record<string, unknown> {
  const members = Object.entries(Object.getOwnPropertyDescriptors(value)).filter(([, { enumerable }]) => enumerable);
  return Object.fromEntries(members.map(([key, { value: member }]) => [key, plainOf(member)]));
}

function plainOf(value: unknown): unknown {
  if (typeof value === "string") return unknownMarkers.has(value) ? unknownValue : value;
  if (typeof value !== "object" || value === null) return value;
  const members = membersOf(value);
  if (Array.isArray(value)) return Object.values(members);
  if (!(signatureKey in members)) return members;
  return members[signatureKey] === secretSignature ? secretOf(members["plaintext"]) : unknownValue;
}

/** A secret that was not decrypted, and what a rule cannot read of one, is not known. */
function secretOf(plaintext: unknown): unknown {
  if (typeof plaintext !== "string") return unknownValue;
  try {
    return plainOf(JSON.parse(plaintext));
  } catch {
    return unknownValue;
  }
}
