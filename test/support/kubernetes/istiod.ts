/** A real istiod beside a real API server, and sidecars that are connected to it as Envoy would be. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Client, type ClientDuplexStream, credentials, Metadata } from "@grpc/grpc-js";
import protobuf from "google-protobuf";
import structProtobuf from "google-protobuf/google/protobuf/struct_pb.js";
import { request } from "undici";
import { removeFolder } from "../remove-folder.ts";
import { binaryPath } from "./binaries.ts";
import { type ControlPlane, freePort, type Manifest } from "./control-plane.ts";

export interface Sidecar {
  readonly pod: string;
  readonly namespace: string;
  /** `1.30.5` */
  readonly version: string;
  /** Whether it takes what it is sent. */
  readonly acknowledges: boolean;
}

export interface Istiod {
  /** Connects a sidecar, which stays; resolves when it has been sent its configuration. */
  connect(sidecar: Sidecar): Promise<void>;
  close(): Promise<void>;
}

const deadlineMs = 60_000;
const stream = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
const clusters = "type.googleapis.com/envoy.config.cluster.v3.Cluster";

/** As its chart would make them, as far as istioctl looks: the address of an istiod outside the cluster stands in its webhook. */
function objects(port: number): readonly Manifest[] {
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system" } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "istio-system" } },
    {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingWebhookConfiguration",
      metadata: { name: "istio-sidecar-injector", labels: { "istio.io/rev": "default" } },
      webhooks: [
        {
          name: "rev.namespace.sidecar-injector.istio.io",
          admissionReviewVersions: ["v1"],
          sideEffects: "None",
          failurePolicy: "Ignore",
          clientConfig: { url: `https://127.0.0.1:${port}/inject` },
          rules: [],
        },
      ],
    },
  ];
}

export async function startIstiod(plane: ControlPlane): Promise<Istiod> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-istiod-"));
  const [http, grpc, secure, webhook, monitoring] = await Promise.all(Array.from({ length: 5 }, freePort));
  await plane.apply(objects(secure ?? 0));
  const kubeconfig = join(folder, "kubeconfig");
  const text = await readFile(plane.kubeconfig, "utf8");
  await writeFile(kubeconfig, JSON.stringify({ ...JSON.parse(text), "current-context": "admin" }), { mode: 0o600 });
  const child = spawn(
    binaryPath("pilot-discovery"),
    [
      "discovery",
      "--kubeconfig",
      kubeconfig,
      "--clusterID=Kubernetes",
      `--httpAddr=127.0.0.1:${http}`,
      `--grpcAddr=127.0.0.1:${grpc}`,
      `--secureGRPCAddr=127.0.0.1:${secure}`,
      `--httpsAddr=127.0.0.1:${webhook}`,
      `--monitoringAddr=127.0.0.1:${monitoring}`,
      "--ctrlz_port=0",
    ],
    { cwd: folder, stdio: "ignore", env: { HOME: folder, POD_NAME: "istiod-1", POD_NAMESPACE: "istio-system" } },
  );
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const clients: Client[] = [];
  const close = async (): Promise<void> => {
    for (const client of clients) client.close();
    child.kill("SIGKILL");
    await exited;
    await removeFolder(folder);
  };
  try {
    await ready(`http://127.0.0.1:${http}/ready`, () => child.exitCode);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async connect(sidecar) {
      const client = new Client(`127.0.0.1:${grpc}`, credentials.createInsecure());
      clients.push(client);
      await subscribe(client, sidecar);
    },
    close,
  };
}

async function ready(url: string, exitCode: () => number | null): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const reply = await request(url).catch(() => undefined);
    await reply?.body.dump();
    if (reply?.statusCode === 200) return;
    if (exitCode() !== null) throw new Error(`istiod ended with ${exitCode()}`);
    if (performance.now() > deadline) throw new Error("istiod was not ready in time");
    await wait(100);
  }
}

interface Response {
  readonly version: string;
  readonly nonce: string;
}

/** Asks for clusters; the acknowledgement is a second request that names what was sent. */
async function subscribe(client: Client, sidecar: Sidecar): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const call: ClientDuplexStream<Uint8Array, Response> = client.makeBidiStreamRequest(
    stream,
    (bytes) => Buffer.from(bytes),
    readResponse,
    new Metadata(),
  );
  call.on("data", (response: Response) => {
    if (sidecar.acknowledges) call.write(writeRequest(sidecar, response));
    resolve();
  });
  call.on("error", reject);
  call.write(writeRequest(sidecar));
  await promise;
}

/** envoy.service.discovery.v3.DiscoveryRequest */
function writeRequest({ pod, namespace, version }: Sidecar, acknowledged?: Response): Uint8Array {
  const node = new protobuf.BinaryWriter();
  node.writeString(1, `sidecar~10.0.0.1~${pod}.${namespace}~${namespace}.svc.cluster.local`);
  const metadata = structProtobuf.Struct.fromJavaScript({
    ISTIO_VERSION: version,
    NAMESPACE: namespace,
    CLUSTER_ID: "Kubernetes",
    PROXY_CONFIG: { binaryPath: "/usr/local/bin/envoy" },
  });
  node.writeBytes(3, metadata.serializeBinary());
  const message = new protobuf.BinaryWriter();
  if (acknowledged !== undefined) message.writeString(1, acknowledged.version);
  message.writeBytes(2, node.getResultBuffer());
  message.writeString(4, clusters);
  if (acknowledged !== undefined) message.writeString(5, acknowledged.nonce);
  return message.getResultBuffer();
}

/** envoy.service.discovery.v3.DiscoveryResponse */
function readResponse(bytes: Buffer): Response {
  const reader = new protobuf.BinaryReader(new Uint8Array(bytes));
  let [version, nonce] = ["", ""];
  while (reader.nextField() && !reader.isEndGroup()) {
    if (reader.getFieldNumber() === 1) version = reader.readString();
    else if (reader.getFieldNumber() === 5) nonce = reader.readString();
    else reader.skipField();
  }
  return { version, nonce };
}
