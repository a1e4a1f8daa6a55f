import type { Properties, PropertyValue } from "../compute/resources.ts";
import { defaultsKey } from "./check.ts";
import { InitializationError, ProviderError } from "./errors.ts";
import { findByImportId } from "./import-id.ts";
import { containsUnknown, type Decoded, type Path, parsePath, UNKNOWN, valueAt, withValueAt } from "./properties.ts";
import type { OperationContext, ResourceState, ResourceType } from "./resource-type.ts";
import type { ProviderSchema } from "./schema.ts";

/** What a resource operation works with. */
export interface Operation {
  readonly provider: "gcp" | "kubernetes";
  readonly type: ResourceType;
  readonly schema: ProviderSchema;
  readonly context: OperationContext;
}

export interface Snapshot {
  readonly id: string;
  readonly inputs: Decoded;
  readonly outputs: Decoded;
}

/** What a create would give. Touches nothing. */
export function previewCreate(operation: Operation, checked: Decoded): Decoded {
  const { type, context } = operation;
  const inputs = withoutMarks(checked);
  const id = type.id(inputs.values, context.settings);
  const outputs = withLabels(operation, type.outputs(inputs.values, id, context.settings), inputs.values);
  return sealed(operation, withUnknowns(type, outputs, inputs.values, {}), inputs.secrets);
}

/** Creates the resource and keeps it in the store. */
export async function create(operation: Operation, checked: Decoded): Promise<Snapshot> {
  const { type, context } = operation;
  const inputs = withoutMarks(checked);
  refuseUnknown(inputs.values);
  const id = type.id(inputs.values, context.settings);
  if (type.createIsIdempotent !== true && (await isThere(operation, id))) {
    throw new ProviderError(`Error 409: the resource '${id}' already exists, alreadyExists`);
  }
  const computed = withLabels(operation, type.outputs(inputs.values, id, context.settings), inputs.values);
  const state: ResourceState = { id, inputs: inputs.values, outputs: computed };
  const outputs = await realise(operation, state, checked, () => type.create?.(state, context));
  return { id, inputs: checked, outputs };
}

/** What an update would give: computed outputs, and the old values of those that only the real thing knows. Touches nothing. */
export function previewUpdate(operation: Operation, previous: Snapshot, checked: Decoded): Decoded {
  const news = withoutMarks(checked);
  const outputs = nextOutputs(operation, previous, news);
  return sealed(operation, withUnknowns(operation.type, outputs, news.values, previous.outputs.values), news.secrets);
}

/** What only the real thing knows: what the program says, else the old value, else unknown. */
function withUnknowns(type: ResourceType, outputs: Properties, inputs: Properties, olds: Properties): Properties {
  let result = outputs;
  for (const text of type.unknownAtPreview) {
    const path = parsePath(text);
    result = withValueAt(result, path, valueAt(inputs, path) ?? valueAt(olds, path) ?? UNKNOWN);
  }
  return result;
}

/** Updates the resource and the store. */
export async function update(operation: Operation, previous: Snapshot, checked: Decoded): Promise<Decoded> {
  const { type, context } = operation;
  const news = withoutMarks(checked);
  refuseUnknown(news.values);
  if (!(await isThere(operation, previous.id))) {
    throw new ProviderError(
      `Error 404: the resource '${previous.id}' was not found, notFound. It was deleted outside of Pulumi; a refresh will notice.`,
    );
  }
  const computed = nextOutputs(operation, previous, news);
  const state: ResourceState = { id: previous.id, inputs: news.values, outputs: computed };
  const before: ResourceState = {
    id: previous.id,
    inputs: withoutMarks(previous.inputs).values,
    outputs: previous.outputs.values,
  };
  return await realise(operation, state, checked, () => type.update?.(state, before, context));
}

/** Deletes the resource; one that is gone already is no error. */
export async function remove(operation: Operation, id: string): Promise<void> {
  const { type, context } = operation;
  const stored = context.cloud.resources.get(type.token, id, context.settings.cluster);
  if (stored === undefined) return;
  switch (stored.inputs["deletionPolicy"]) {
    case "PREVENT":
      throw new ProviderError(
        `Cannot destroy ${id}: its deletionPolicy is PREVENT. Set it to DELETE and run an update first.`,
      );
    case "ABANDON":
      // It stays where it is and is nobody's any more.
      return;
  }
  await type.delete?.({ id, inputs: stored.inputs, outputs: stored.outputs }, context);
  await context.cloud.resources.delete(type.token, id, context.settings.cluster);
}

/** The live state, undefined when it is gone. `known` is what the engine has: nothing for an import. */
export async function read(operation: Operation, known: Snapshot): Promise<Snapshot | undefined> {
  const { type, context } = operation;
  const isImport = Object.keys(known.inputs.values).length === 0;
  const stored =
    context.cloud.resources.get(type.token, known.id, context.settings.cluster) ??
    findByImportId(known.id, ofCluster(operation));
  if (stored === undefined && type.read === undefined) return undefined;
  const start: ResourceState = stored ?? { id: known.id, inputs: known.inputs.values, outputs: known.outputs.values };
  const live = type.read === undefined ? start : await type.read(start, context);
  if (live === undefined) return undefined;
  const inputs = isImport
    ? live.inputs
    : { ...projected(known.inputs.values, live.inputs), ...marksOf(known.inputs.values) };
  const outputs = withLabels(operation, live.outputs, live.inputs);
  const secrets = [...known.inputs.secrets, ...known.outputs.secrets];
  return {
    id: live.id,
    inputs: { values: inputs, secrets: present(known.inputs.secrets, inputs) },
    outputs: sealed(operation, outputs, secrets),
  };
}

/** A resource that exists although its operation failed: it is in the store, and the engine is told its state. */
export class UnreadyError extends Error {
  readonly resource: Snapshot;
  readonly reasons: readonly string[];
  constructor(resource: Snapshot, cause: InitializationError) {
    super(cause.message, { cause });
    this.name = "UnreadyError";
    this.resource = resource;
    this.reasons = cause.reasons;
  }
}

/** Runs what makes a resource real, and keeps the resource also where it exists but is not ready. */
async function realise(
  operation: Operation,
  state: ResourceState,
  checked: Decoded,
  run: () => Promise<Properties | undefined> | undefined,
): Promise<Decoded> {
  const finish = async (live: Properties): Promise<Decoded> => {
    const outputs = withLabels(operation, live, state.inputs);
    await keep(operation, { ...state, outputs });
    return sealed(operation, outputs, checked.secrets);
  };
  try {
    return await finish({ ...state.outputs, ...(await run()) });
  } catch (error) {
    if (!(error instanceof InitializationError)) throw error;
    const outputs = await finish({ ...state.outputs, ...error.outputs });
    throw new UnreadyError({ id: state.id, inputs: checked, outputs }, error);
  }
}

async function isThere(operation: Operation, id: string): Promise<boolean> {
  const { type, context } = operation;
  const stored = context.cloud.resources.get(type.token, id, context.settings.cluster);
  if (stored === undefined) return false;
  return type.read === undefined || (await type.read(stored, context)) !== undefined;
}

async function keep(operation: Operation, state: ResourceState): Promise<void> {
  const { cluster } = operation.context.settings;
  await operation.context.cloud.resources.put({
    provider: operation.provider,
    type: operation.type.token,
    ...state,
    ...(cluster === undefined ? {} : { cluster }),
  });
}

function ofCluster(operation: Operation): readonly ResourceState[] {
  const { cloud, settings } = operation.context;
  return cloud.resources.list(operation.type.token).filter((resource) => resource.cluster === settings.cluster);
}

/** Outputs that are computed anew from the labels. */
const labelOutputs: readonly string[] = ["effectiveLabels", "pulumiLabels"];

/** The old outputs without what came from inputs that are no more, under the newly computed ones. */
function nextOutputs(operation: Operation, previous: Snapshot, news: Decoded): Properties {
  const { type, context } = operation;
  const kept = Object.entries(previous.outputs.values).filter(
    ([key]) => previous.inputs.values[key] === undefined && !labelOutputs.includes(key),
  );
  const computed = type.outputs(news.values, previous.id, context.settings);
  return withLabels(operation, { ...Object.fromEntries(kept), ...computed }, news.values);
}

/** Adds the outputs that name all labels of a gcp resource, as the provider computes them. */
function withLabels(operation: Operation, outputs: Properties, inputs: Properties): Properties {
  const known = operation.schema.resource(operation.type.token)?.outputs;
  if (known === undefined || !known.has("effectiveLabels") || outputs["effectiveLabels"] !== undefined) return outputs;
  const own = inputs["labels"] ?? inputs["resourceLabels"];
  const labels: PropertyValue =
    typeof own === "string" ? own : { ...operation.context.settings.labels, ...(isObject(own) ? own : {}) };
  return { ...outputs, effectiveLabels: labels, pulumiLabels: labels };
}

/** The outputs with their secrets: those of the inputs they come from, and those of the type. */
function sealed(operation: Operation, outputs: Properties, secrets: readonly Path[]): Decoded {
  const own = (operation.type.secretOutputs ?? []).map(parsePath);
  // The SDK declares these two secret in every class that has them.
  const labels = labelOutputs.map((name) => [name]);
  return { values: outputs, secrets: present([...secrets, ...own, ...labels], outputs) };
}

/** The paths that lead to a value, without those that lie below another. */
function present(paths: readonly Path[], values: Properties): readonly Path[] {
  const found = paths.filter((path) => valueAt(values, path) !== undefined);
  const isBelow = (path: Path, other: Path): boolean =>
    other.length < path.length && other.every((part, i) => part === path[i]);
  return found.filter((path) => !found.some((other) => isBelow(path, other)));
}

/**
 * The live inputs as far as the program had given them: a refresh must not turn the platform's own defaults into inputs that
 * the next update would remove. Lists are taken whole, because their length is part of what was given.
 */
export function projected(given: Properties, live: Properties): Properties {
  const result: Properties = {};
  for (const [key, value] of Object.entries(given)) {
    const now = live[key];
    if (now !== undefined) result[key] = projectedValue(value, now);
  }
  return result;
}

function projectedValue(given: PropertyValue, live: PropertyValue): PropertyValue {
  if (isObject(given) && isObject(live)) return projected(given, live);
  if (Array.isArray(given) && Array.isArray(live)) {
    return live.map((item, i) => {
      const before = given[i];
      return before === undefined ? item : projectedValue(before, item);
    });
  }
  return live;
}

function marksOf(inputs: Properties): Properties {
  const marks = inputs[defaultsKey];
  return marks === undefined ? {} : { [defaultsKey]: marks };
}

/** The inputs as the platform sees them. */
function withoutMarks(inputs: Decoded): Decoded {
  const { [defaultsKey]: _marks, ...values } = inputs.values;
  return { values, secrets: inputs.secrets };
}

function refuseUnknown(inputs: Properties): void {
  if (containsUnknown(inputs)) throw new ProviderError("An input is not known although this is no preview.");
}

function isObject(value: PropertyValue | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
