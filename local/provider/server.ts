import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import type { Cloud } from "../daemon/cloud.ts";
import { Connections } from "./connections.ts";
import { ProviderHandlers } from "./handlers.ts";
import { errorReply } from "./replies.ts";
import type { InvokeFunction, OperationContext, ResourceType } from "./resource-type.ts";
import type { ProviderSchema } from "./schema.ts";

export interface ProviderOptions {
  readonly name: "gcp" | "kubernetes";
  /** What GetPluginInfo answers: at least the SDK's version, else every run warns. `sdkVersion` of schema.ts. */
  readonly version: string;
  readonly types: readonly ResourceType[];
  readonly functions: readonly InvokeFunction[];
  /** `readSchema` of schema.ts. */
  readonly schema: ProviderSchema;
  readonly cloud: Cloud;
  /** For what neither the program nor its stack configures. */
  readonly defaults: { readonly project: string; readonly region: string; readonly zone: string };
}

export interface ProviderServer {
  /** On 127.0.0.1; the value for PULUMI_DEBUG_PROVIDERS. */
  readonly port: number;
  /** Aborts what runs, without waiting for it, and closes all connections. */
  close(): Promise<void>;
}

/**
 * Serves one of Pulumi's resource providers over gRPC on a free loopback port. The engine attaches to it by
 * PULUMI_DEBUG_PROVIDERS; that protocol carries no token, so nothing but loopback may be listened on.
 */
export async function serveProvider(options: ProviderOptions): Promise<ProviderServer> {
  const connections = new Connections();
  const handlers = new ProviderHandlers(options);
  const { cloud } = options;

  /** A call that answers from memory. */
  const answer =
    <Request, Response>(handle: (request: Request, peer: string) => Response | Promise<Response>) =>
    (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
      (async () => handle(call.request, call.getPeer()))().then(
        (response) => callback(null, response),
        (error: unknown) => callback(errorReply(error)),
      );
    };

  /** A call that works on the cloud: it ends with Cancel, with its client and with the resource's custom timeout (seconds, 0 for none). */
  const operate =
    <Request, Response>(
      handle: (request: Request, context: OperationContext) => Promise<Response>,
      timeout: (request: Request) => number = () => 0,
    ) =>
    (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
      const controller = new AbortController();
      const seconds = timeout(call.request);
      const timer =
        seconds > 0
          ? cloud.clock.setTimeout(() => controller.abort(new Error(`Timed out after ${seconds} s.`)), seconds * 1000)
          : undefined;
      call.on("cancelled", () => controller.abort(new Error("The client went away.")));
      const peer = call.getPeer();
      connections
        .run(peer, controller, async () => {
          controller.signal.throwIfAborted();
          return handle(call.request, { cloud, settings: connections.settings(peer), signal: controller.signal });
        })
        .then(
          (response) => callback(null, response),
          (error: unknown) => callback(errorReply(error)),
        )
        .finally(() => timer?.cancel());
    };

  const refuse =
    (method: string, reason: string) =>
    (_call: unknown, callback: sendUnaryData<never>): void =>
      callback({
        code: status.UNIMPLEMENTED,
        details: `The local ${options.name} provider has no ${method}: ${reason}.`,
      });

  // The engine's own limit on messages is 400 MB.
  const server = new Server({ "grpc.max_receive_message_length": 400 * 1024 * 1024 });
  server.addService(rpc.ResourceProviderService, {
    handshake: answer((_request: provider.ProviderHandshakeRequest, peer) => {
      connections.open(peer);
      const response = new provider.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      response.setAcceptResources(false);
      response.setAcceptOutputs(false);
      response.setSupportsAutonamingConfiguration(true);
      return response;
    }),
    attach: answer(() => new empty.Empty()),
    getPluginInfo: answer(() => {
      const response = new plugin.PluginInfo();
      response.setVersion(options.version);
      return response;
    }),
    getSchema: answer(() => {
      const response = new provider.GetSchemaResponse();
      response.setSchema(JSON.stringify({ name: options.name, version: options.version }));
      return response;
    }),
    checkConfig: answer((request: provider.CheckRequest) => handlers.checkConfig(request)),
    diffConfig: answer((request: provider.DiffRequest) => handlers.diffConfig(request)),
    configure: answer(async (request: provider.ConfigureRequest, peer) => {
      connections.configure(peer, await handlers.settings(request));
      const response = new provider.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      response.setAcceptresources(false);
      response.setAcceptoutputs(false);
      response.setSupportsAutonamingConfiguration(true);
      return response;
    }),
    cancel: answer((_request: unknown, peer) => {
      connections.cancel(peer);
      return new empty.Empty();
    }),
    check: answer((request: provider.CheckRequest, peer) => handlers.check(request, connections.settings(peer))),
    diff: answer((request: provider.DiffRequest, peer) => handlers.diff(request, connections.settings(peer))),
    create: operate<provider.CreateRequest, provider.CreateResponse>(
      (request, context) => handlers.create(request, context),
      (request) => request.getTimeout(),
    ),
    read: operate<provider.ReadRequest, provider.ReadResponse>((request, context) => handlers.read(request, context)),
    update: operate<provider.UpdateRequest, provider.UpdateResponse>(
      (request, context) => handlers.update(request, context),
      (request) => request.getTimeout(),
    ),
    delete: operate<provider.DeleteRequest, empty.Empty>(
      (request, context) => handlers.delete(request, context),
      (request) => request.getTimeout(),
    ),
    invoke: operate<provider.InvokeRequest, provider.InvokeResponse>((request, context) =>
      handlers.invoke(request, context),
    ),
    call: refuse("Call", "its resources have no methods"),
    construct: refuse("Construct", "it has no component resources"),
    parameterize: refuse("Parameterize", "it is not parameterised"),
    list: refuse("List", "resources cannot be listed through the engine"),
    getMapping: refuse("GetMapping", "programs are not converted from other tools here"),
    getMappings: refuse("GetMappings", "programs are not converted from other tools here"),
  });

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    close: async () => {
      connections.cancelAll();
      server.forceShutdown();
    },
  };
}
