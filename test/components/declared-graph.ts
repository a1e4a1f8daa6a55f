import {
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Inputs,
  Resource,
  runtime,
} from "@pulumi/pulumi";

/** A resource as the engine would get it: inputs resolved, options as they stood when it was declared. */
export interface DeclaredResource {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Name of the parent; undefined for the root. */
  readonly parent: string | undefined;
  readonly options: CustomResourceOptions;
  /** Names of the resources that it was told to wait for. */
  readonly waitsFor: readonly string[];
  /** URN of the explicit provider, empty for the default one. */
  readonly provider: string;
  readonly custom: boolean;
}

export interface DeclaredGraph {
  readonly resources: readonly DeclaredResource[];
  /** Keys that each component registered as outputs, by the component's name. */
  readonly registeredOutputs: ReadonlyMap<string, readonly string[]>;
  /** Public properties of each component, by name. */
  readonly publicProperties: ReadonlyMap<string, readonly string[]>;
  /** The only resource of that type. */
  only(type: string): DeclaredResource;
  all(type: string): readonly DeclaredResource[];
}

/** What a provider computes, by type; the project's own schema is not at hand in a mock. */
const computed: Readonly<Record<string, (inputs: Inputs, name: string) => Inputs>> = {
  "gcp:container/cluster:Cluster": () => ({
    endpoint: "203.0.113.7",
    masterAuth: { clusterCaCertificate: "Y2E=" },
    nodeLocations: ["us-central1-a", "us-central1-b"],
  }),
  "gcp:serviceaccount/account:Account": (inputs) => ({
    email: `${inputs["accountId"]}@my-project.iam.gserviceaccount.com`,
    name: `projects/my-project/serviceAccounts/${inputs["accountId"]}@my-project.iam.gserviceaccount.com`,
  }),
  "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig": (inputs) => ({
    uptimeCheckId: `${String(inputs["displayName"]).split(":")[0]}-check`,
  }),
  "gcp:monitoring/alertPolicy:AlertPolicy": (inputs, name) => ({
    name: `projects/${inputs["project"]}/alertPolicies/${name}`,
  }),
  "aws:dynamodb/table:Table": (inputs) => ({
    arn: `arn:aws:dynamodb:eu-central-1:111122223333:table/${inputs["name"]}`,
  }),
  "aws:iam/role:Role": (inputs) => ({ arn: `arn:aws:iam::111122223333:role/${inputs["name"]}` }),
  "gcp:compute/globalAddress:GlobalAddress": () => ({ address: "203.0.113.8" }),
  "gcp:certificatemanager/dnsAuthorization:DnsAuthorization": (inputs) => ({
    dnsResourceRecords: [{ name: `_acme-challenge.${inputs["domain"]}.`, type: "CNAME", data: "authorize.example." }],
  }),
};

/**
 * Runs `build` against mocks and returns all that it declared once every input is resolved. `options` must reach the
 * component under test: through them its children are seen with their parents.
 */
export async function declareGraph<Built>(
  build: (options: ComponentResourceOptions) => Built,
  settings: { readonly preview?: boolean } = {},
): Promise<DeclaredGraph & { readonly built: Built }> {
  const declared: { resource: Resource; type: string; name: string; options: CustomResourceOptions }[] = [];
  const sent = new Map<string, { inputs: Inputs; provider: string; custom: boolean }>();
  const registeredOutputs = new Map<string, readonly string[]>();

  await runtime.setMocks(
    {
      newResource: ({ type, name, inputs, provider, custom }) => {
        sent.set(`${type} ${name}`, { inputs, provider: provider ?? "", custom: custom ?? false });
        const selfLink = `https://www.googleapis.com/compute/v1/${type}/${inputs.name ?? name}`;
        const state = { selfLink, ...inputs, ...computed[type]?.(inputs, name) };
        return { id: custom === true ? `${name}-id` : undefined, state };
      },
      call: ({ inputs }) => inputs,
    },
    "switchyard",
    "any.test",
    settings.preview ?? false,
  );

  const record: ComponentResourceOptions["transformations"] = [
    ({ resource, type, name, opts }) => {
      declared.push({ resource, type, name, options: { ...opts } });
      return undefined;
    },
  ];
  const original = Object.getOwnPropertyDescriptor(ComponentResource.prototype, "registerOutputs");
  if (original === undefined) throw new Error("ComponentResource has no registerOutputs any more.");
  Object.defineProperty(ComponentResource.prototype, "registerOutputs", {
    ...original,
    value(this: Resource, outputs: Inputs | undefined) {
      const name = declared.find((entry) => entry.resource === this)?.name ?? "";
      // The SDK calls it once more, without outputs, for components that never did.
      if (outputs !== undefined) registeredOutputs.set(name, Object.keys(outputs).toSorted());
      return Reflect.apply(original.value, this, [outputs]) as unknown;
    },
  });
  let built: Built;
  try {
    built = build({ transformations: record });
    await runtime.disconnect();
  } finally {
    Object.defineProperty(ComponentResource.prototype, "registerOutputs", original);
  }

  const nameOf = (resource: Resource | undefined) => declared.find((entry) => entry.resource === resource)?.name;
  const resources = declared.map(({ type, name, options }): DeclaredResource => {
    const request = sent.get(`${type} ${name}`);
    if (request === undefined) throw new Error(`${type} ${name} was declared but never sent to the engine.`);
    const before = Array.isArray(options.dependsOn) ? options.dependsOn : [];
    const waitsFor = before.flatMap((one) => (Resource.isInstance(one) ? (nameOf(one) ?? []) : []));
    return { type, name, options, parent: nameOf(options.parent), waitsFor, ...request };
  });
  const publicProperties = new Map(
    declared
      .filter((entry) => entry.resource instanceof ComponentResource)
      .map((entry) => [entry.name, publicPropertiesOf(entry.resource)]),
  );
  const all = (type: string) => resources.filter((resource) => resource.type === type);
  const only = (type: string) => {
    const [first, ...others] = all(type);
    if (first === undefined || others.length > 0)
      throw new Error(`${others.length + (first ? 1 : 0)} resources of ${type}`);
    return first;
  };
  return { built, resources, registeredOutputs, publicProperties, all, only };
}

function publicPropertiesOf(component: Resource): readonly string[] {
  return Object.keys(component)
    .filter((key) => !key.startsWith("_") && key !== "urn")
    .toSorted();
}
