/** A Pulumi provider of one resource type, `tiny:index:Thing`, whose creates a test can hold or fail. */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import rpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import provider from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";

export interface TinyProvider {
  readonly port: number;
  /** Ids of the things that exist. */
  readonly things: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** Awaited in every create, with the thing's name; what it throws is the provider's error. Default: nothing. */
  onCreate: (name: string) => Promise<void>;
  close(): void;
}

export async function serveTinyProvider(): Promise<TinyProvider> {
  const things = new Map<string, Readonly<Record<string, unknown>>>();
  const answer =
    <Request, Response>(handle: (request: Request) => Response | Promise<Response>) =>
    (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
      (async () => handle(call.request))().then(
        (response) => callback(null, response),
        (error: unknown) =>
          callback({ code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error) }),
      );
    };
  const encode = (value: Readonly<Record<string, unknown>>) =>
    struct.Struct.fromJavaScript(JSON.parse(JSON.stringify(value)));
  const plain = (value: struct.Struct | undefined): Record<string, unknown> => value?.toJavaScript() ?? {};
  const checked = (request: provider.CheckRequest) => {
    const response = new provider.CheckResponse();
    response.setInputs(request.getNews());
    return response;
  };
  const server = new Server();
  const tiny: TinyProvider & { port: number } = {
    port: 0,
    things,
    onCreate: async () => undefined,
    close: () => server.forceShutdown(),
  };
  server.addService(rpc.ResourceProviderService, {
    handshake: answer(() => {
      const response = new provider.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      return response;
    }),
    attach: answer(() => new empty.Empty()),
    cancel: answer(() => new empty.Empty()),
    getPluginInfo: answer(() => {
      const response = new plugin.PluginInfo();
      response.setVersion("99.0.0");
      return response;
    }),
    checkConfig: answer(checked),
    diffConfig: answer(() => new provider.DiffResponse()),
    configure: answer(() => {
      const response = new provider.ConfigureResponse();
      response.setSupportspreview(true);
      return response;
    }),
    check: answer(checked),
    diff: answer((request: provider.DiffRequest) => {
      const same = JSON.stringify(plain(request.getOldInputs())) === JSON.stringify(plain(request.getNews()));
      const response = new provider.DiffResponse();
      response.setChanges(
        same ? provider.DiffResponse.DiffChanges.DIFF_NONE : provider.DiffResponse.DiffChanges.DIFF_SOME,
      );
      return response;
    }),
    create: answer(async (request: provider.CreateRequest) => {
      const name = request.getUrn().split("::").at(-1) ?? "";
      const properties = { ...plain(request.getProperties()), address: `tiny://${name}` };
      const response = new provider.CreateResponse();
      if (!request.getPreview()) {
        await tiny.onCreate(name);
        things.set(name, properties);
        response.setId(name);
      }
      response.setProperties(encode(properties));
      return response;
    }),
    read: answer((request: provider.ReadRequest) => {
      const response = new provider.ReadResponse();
      const thing = things.get(request.getId());
      if (thing === undefined) return response;
      response.setId(request.getId());
      response.setProperties(encode(thing));
      response.setInputs(request.getInputs());
      return response;
    }),
    update: answer((request: provider.UpdateRequest) => {
      const properties = { ...plain(request.getNews()), address: `tiny://${request.getId()}` };
      if (!request.getPreview()) things.set(request.getId(), properties);
      const response = new provider.UpdateResponse();
      response.setProperties(encode(properties));
      return response;
    }),
    delete: answer((request: provider.DeleteRequest) => {
      things.delete(request.getId());
      return new empty.Empty();
    }),
  });
  tiny.port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
  return tiny;
}
