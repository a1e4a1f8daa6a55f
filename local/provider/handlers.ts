import provider from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import type { Cloud } from "../daemon/cloud.ts";
import type { Autonaming } from "./auto-name.ts";
import { check } from "./check.ts";
import { type Defaults, gcpSettings, kubernetesSettings, namesAnotherCluster } from "./configuration.ts";
import { diff } from "./diff.ts";
import { ProviderError } from "./errors.ts";
import { KubeconfigError } from "./kubeconfig.ts";
import { closest } from "./nearest-name.ts";
import {
  create,
  type Operation,
  previewCreate,
  previewUpdate,
  read,
  remove,
  type Snapshot,
  update,
} from "./operations.ts";
import { containsUnknown, type Decoded, decode, encode } from "./properties.ts";
import { checkFailureList, diffResponse, failureList } from "./replies.ts";
import type {
  CheckFailure,
  InvokeFunction,
  OperationContext,
  ProviderSettings,
  ResourceType,
} from "./resource-type.ts";
import type { ProviderSchema } from "./schema.ts";
import { checkSchema } from "./schema-check.ts";

export interface HandlerOptions {
  readonly name: "gcp" | "kubernetes";
  readonly types: readonly ResourceType[];
  readonly functions: readonly InvokeFunction[];
  readonly schema: ProviderSchema;
  readonly cloud: Cloud;
  readonly defaults: Defaults;
}

const modes = provider.CheckRequest.AutonamingOptions.Mode;

/** The engine's requests as decisions and operations: decoding, choice of the type, encoding. */
export class ProviderHandlers {
  readonly #options: HandlerOptions;
  readonly #types: ReadonlyMap<string, ResourceType>;
  readonly #functions: ReadonlyMap<string, InvokeFunction>;

  constructor(options: HandlerOptions) {
    this.#options = options;
    this.#types = new Map(options.types.map((type) => [type.token, type]));
    this.#functions = new Map(options.functions.map((entry) => [entry.token, entry]));
  }

  async checkConfig(request: provider.CheckRequest): Promise<provider.CheckResponse> {
    const news = decode(request.getNews());
    const failures: CheckFailure[] = [];
    try {
      if (!containsUnknown(news.values)) await this.#settings(news);
    } catch (error) {
      if (!(error instanceof KubeconfigError)) throw error;
      failures.push({ property: "kubeconfig", reason: error.message });
    }
    const response = new provider.CheckResponse();
    response.setInputs(encode(news));
    response.setFailuresList(checkFailureList(failures));
    return response;
  }

  async diffConfig(request: provider.DiffRequest): Promise<provider.DiffResponse> {
    const olds = decode(request.getOldInputs()).values;
    const news = decode(request.getNews()).values;
    const changed = [...new Set([...Object.keys(olds), ...Object.keys(news)])].filter(
      (key) => JSON.stringify(olds[key]) !== JSON.stringify(news[key]),
    );
    const response = new provider.DiffResponse();
    const { DiffChanges } = provider.DiffResponse;
    response.setChanges(changed.length > 0 ? DiffChanges.DIFF_SOME : DiffChanges.DIFF_NONE);
    response.setDiffsList(changed);
    // Another cluster: what was declared in the old one has to be made anew (pulumi-kubernetes, DiffConfig).
    const replaces =
      this.#options.name === "kubernetes" &&
      !containsUnknown(news) &&
      (await namesAnotherCluster(olds, news, this.#options.defaults));
    response.setReplacesList(replaces ? changed : []);
    return response;
  }

  /** What a connection is configured with. */
  settings(request: provider.ConfigureRequest): Promise<ProviderSettings> {
    return this.#settings(decode(request.getArgs()));
  }

  async #settings(args: Decoded): Promise<ProviderSettings> {
    const { defaults } = this.#options;
    return this.#options.name === "gcp"
      ? gcpSettings(args.values, defaults)
      : await kubernetesSettings(args.values, defaults);
  }

  check(request: provider.CheckRequest, settings: ProviderSettings): provider.CheckResponse {
    const response = new provider.CheckResponse();
    const news = decode(request.getNews());
    const token = request.getType();
    const type = this.#types.get(token);
    if (type === undefined) {
      response.setInputs(encode(news));
      response.setFailuresList(checkFailureList([this.#notSimulated(token, [...this.#types.keys()], "resource")]));
      return response;
    }
    const result = check(type, this.#options.schema, {
      urn: request.getUrn(),
      name: request.getName(),
      news,
      olds: decode(request.getOlds()).values,
      settings,
      autonaming: autonamingOf(request),
      exists: (id) => this.#options.cloud.resources.get(token, id, settings.cluster) !== undefined,
    });
    response.setInputs(encode(result.inputs));
    response.setFailuresList(checkFailureList(result.failures));
    return response;
  }

  diff(request: provider.DiffRequest, settings: ProviderSettings): provider.DiffResponse {
    const olds = decode(request.getOldInputs()).values;
    const news = decode(request.getNews()).values;
    return diffResponse(diff(this.#type(request.getType()), olds, news, settings, request.getIgnorechangesList()));
  }

  async create(request: provider.CreateRequest, context: OperationContext): Promise<provider.CreateResponse> {
    const operation = this.#operation(request.getType(), context);
    const inputs = decode(request.getProperties());
    const response = new provider.CreateResponse();
    if (request.getPreview()) {
      response.setProperties(encode(previewCreate(operation, inputs)));
      return response;
    }
    const made = await create(operation, inputs);
    response.setId(made.id);
    response.setProperties(encode(made.outputs));
    return response;
  }

  async read(request: provider.ReadRequest, context: OperationContext): Promise<provider.ReadResponse> {
    const operation = this.#operation(request.getType(), context);
    const live = await read(operation, {
      id: request.getId(),
      inputs: decode(request.getInputs()),
      outputs: decode(request.getProperties()),
    });
    const response = new provider.ReadResponse();
    // An empty id says that it is gone.
    if (live === undefined) return response;
    response.setId(live.id);
    response.setInputs(encode(live.inputs));
    response.setProperties(encode(live.outputs));
    return response;
  }

  async update(request: provider.UpdateRequest, context: OperationContext): Promise<provider.UpdateResponse> {
    const operation = this.#operation(request.getType(), context);
    const previous: Snapshot = {
      id: request.getId(),
      inputs: decode(request.getOldInputs()),
      outputs: decode(request.getOlds()),
    };
    const news = decode(request.getNews());
    const response = new provider.UpdateResponse();
    const outputs = request.getPreview()
      ? previewUpdate(operation, previous, news)
      : await update(operation, previous, news);
    response.setProperties(encode(outputs));
    return response;
  }

  async delete(request: provider.DeleteRequest, context: OperationContext): Promise<empty.Empty> {
    await remove(this.#operation(request.getType(), context), request.getId());
    return new empty.Empty();
  }

  async invoke(request: provider.InvokeRequest, context: OperationContext): Promise<provider.InvokeResponse> {
    const token = request.getTok();
    const response = new provider.InvokeResponse();
    const entry = this.#functions.get(token);
    const parameters = this.#options.schema.function(token);
    if (entry === undefined || parameters === undefined) {
      throw new ProviderError(this.#notSimulated(token, [...this.#functions.keys()], "function").reason);
    }
    const args = decode(request.getArgs()).values;
    const failures = checkSchema(args, parameters, this.#options.schema);
    const outcome = failures.length > 0 ? { failures } : await entry.invoke(args, context);
    if ("failures" in outcome) response.setFailuresList(failureList(outcome.failures));
    else response.setReturn(encode({ values: outcome.result, secrets: [] }));
    return response;
  }

  #operation(token: string, context: OperationContext): Operation {
    return { provider: this.#options.name, type: this.#type(token), schema: this.#options.schema, context };
  }

  #type(token: string): ResourceType {
    const type = this.#types.get(token);
    if (type === undefined) {
      throw new ProviderError(this.#notSimulated(token, [...this.#types.keys()], "resource").reason);
    }
    return type;
  }

  #notSimulated(token: string, known: readonly string[], what: "resource" | "function"): CheckFailure {
    const nearest = closest(token, known);
    const guess = nearest === undefined ? "" : ` The nearest that is: ${nearest}.`;
    return {
      property: "",
      reason:
        `The local cloud does not simulate the ${what} ${token}.${guess} ` +
        `Simulated ${what}s of ${this.#options.name}: ${[...known].sort().join(", ")}.`,
    };
  }
}

function autonamingOf(request: provider.CheckRequest): Autonaming {
  const options = request.getAutonaming();
  if (options === undefined) return { mode: "provider" };
  switch (options.getMode()) {
    case modes.DISABLE:
      return { mode: "disabled" };
    case modes.ENFORCE:
      return { mode: "enforced", name: options.getProposedName() };
    default:
      return { mode: "proposed", name: options.getProposedName() };
  }
}
