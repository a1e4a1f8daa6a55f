/** A real kube-apiserver over a real etcd on free ports, without nodes and controllers; gone when it is closed. */
import { type ChildProcess, spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, open, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Agent, request } from "undici";
import { z } from "zod";
import { removeFolder } from "../remove-folder.ts";
import { binaryPath, type KubernetesBinary } from "./binaries.ts";

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

export interface ControlPlane {
  /** https://127.0.0.1:PORT */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  /** Of the server's own certificate, PEM. */
  readonly authorityKey: string;
  /** May do everything. */
  readonly adminToken: string;
  /** Is known, and may do nothing. */
  readonly strangerToken: string;
  /** A kubeconfig with the contexts admin and stranger. */
  readonly kubeconfig: string;
  /** Creates or changes objects, and waits until custom types are served; a status is written apart. In order. */
  apply(manifests: readonly Manifest[]): Promise<void>;
  remove(manifest: Manifest): Promise<void>;
  close(): Promise<void>;
}

const startDeadlineMs = 60_000;
const adminToken = "admin-token-of-a-test";
const strangerToken = "stranger-token-of-a-test";

const resourcesSchema = z.object({
  resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean() })),
});

export async function startControlPlane(): Promise<ControlPlane> {
  const folder = await mkdtemp(join(tmpdir(), "switchyard-control-plane-"));
  const children: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    for (const child of children.toReversed()) await end(child);
    await removeFolder(folder);
  };
  try {
    const [etcdPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()];
    const etcd = `http://127.0.0.1:${etcdPort}`;
    const server = `https://127.0.0.1:${apiPort}`;
    const file = (name: string): string => join(folder, name);
    children.push(
      await start("etcd", file("etcd.log"), [
        "--data-dir",
        file("etcd"),
        "--listen-client-urls",
        etcd,
        "--advertise-client-urls",
        etcd,
        "--listen-peer-urls",
        `http://127.0.0.1:${peerPort}`,
        "--unsafe-no-fsync",
      ]),
    );
    await writeKeys(file("sa.key"), file("sa.pub"));
    const tokens = [`${adminToken},admin,admin,system:masters`, `${strangerToken},stranger,stranger`];
    await writeFile(file("tokens.csv"), `${tokens.join("\n")}\n`, { mode: 0o600 });
    children.push(
      await start("kube-apiserver", file("kube-apiserver.log"), [
        `--etcd-servers=${etcd}`,
        "--bind-address=127.0.0.1",
        `--secure-port=${apiPort}`,
        `--cert-dir=${file("certs")}`,
        `--token-auth-file=${file("tokens.csv")}`,
        `--service-account-key-file=${file("sa.pub")}`,
        `--service-account-signing-key-file=${file("sa.key")}`,
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--authorization-mode=RBAC",
        "--endpoint-reconciler-type=none",
        // Its accounts are made by a controller that does not run.
        "--disable-admission-plugins=ServiceAccount",
      ]),
    );
    const authority = await until(children, "the API server's certificate", async () =>
      readFile(join(file("certs"), "apiserver.crt"), "utf8").catch(() => undefined),
    );
    const dispatcher = new Agent({ connect: { ca: authority } });
    const admin = adminOf(server, dispatcher);
    await until(children, "a ready API server", async () =>
      (await admin.ask("GET", "/readyz").catch(() => undefined))?.status === 200 ? true : undefined,
    );
    const kubeconfig = file("kubeconfig");
    await writeFile(kubeconfig, kubeconfigText(server, authority), { mode: 0o600 });
    return {
      server,
      authority,
      authorityKey: await readFile(join(file("certs"), "apiserver.key"), "utf8"),
      adminToken,
      strangerToken,
      kubeconfig,
      async apply(manifests) {
        for (const manifest of manifests) await admin.apply(manifest);
      },
      remove: admin.remove,
      async close() {
        await dispatcher.destroy();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function adminOf(server: string, dispatcher: Agent) {
  async function ask(method: "GET" | "PATCH" | "DELETE", path: string, body?: unknown, type = "application/json") {
    const reply = await request(`${server}${path}`, {
      dispatcher,
      method,
      headers: { authorization: `Bearer ${adminToken}`, "content-type": type },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: reply.statusCode, text: await reply.body.text() };
  }

  async function pathOf({ apiVersion, kind, metadata }: Manifest): Promise<string> {
    const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const deadline = performance.now() + startDeadlineMs;
    for (;;) {
      const { status, text } = await ask("GET", group);
      const { resources } = status === 200 ? resourcesSchema.parse(JSON.parse(text)) : { resources: [] };
      const found = resources.find((one) => one.kind === kind && !one.name.includes("/"));
      if (found !== undefined) {
        const inside = found.namespaced ? `/namespaces/${metadata.namespace ?? "default"}` : "";
        return `${group}${inside}/${found.name}/${metadata.name}`;
      }
      if (performance.now() > deadline) throw new Error(`no ${apiVersion} ${kind}: ${status} ${text.slice(0, 200)}`);
      await wait(50);
    }
  }

  async function put(path: string, manifest: unknown): Promise<void> {
    const query = "?fieldManager=test&force=true";
    const deadline = performance.now() + startDeadlineMs;
    for (;;) {
      const { status, text } = await ask("PATCH", `${path}${query}`, manifest, "application/apply-patch+yaml");
      if (status < 300) return;
      // A type that was declared a moment ago is listed before it is served.
      if (status !== 404 || performance.now() > deadline) throw new Error(`${path}: ${status} ${text.slice(0, 500)}`);
      await wait(50);
    }
  }

  return {
    ask,
    async apply(manifest: Manifest): Promise<void> {
      const { status, ...rest } = manifest;
      const path = await pathOf(manifest);
      await put(path, rest);
      if (status === undefined) return;
      const { apiVersion, kind, metadata } = manifest;
      const { name, namespace } = metadata;
      const mark = { name, ...(namespace === undefined ? {} : { namespace }) };
      await put(`${path}/status`, { apiVersion, kind, metadata: mark, status });
    },
    async remove(manifest: Manifest): Promise<void> {
      await ask("DELETE", `${await pathOf(manifest)}?gracePeriodSeconds=0`);
    },
  };
}

async function start(name: KubernetesBinary, log: string, args: readonly string[]): Promise<ChildProcess> {
  const output = await open(log, "w", 0o600);
  try {
    const child = spawn(binaryPath(name), [...args], { stdio: ["ignore", output.fd, output.fd], env: {} });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once("spawn", () => resolve());
    child.once("error", reject);
    await promise;
    return child;
  } finally {
    await output.close();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  // Nothing is kept, so nothing has to be put away first.
  child.kill("SIGKILL");
  await promise;
}

async function until<Value>(
  children: readonly ChildProcess[],
  what: string,
  look: () => Promise<Value | undefined>,
): Promise<Value> {
  const deadline = performance.now() + startDeadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    const ended = children.find((child) => child.exitCode !== null);
    if (ended !== undefined)
      throw new Error(`${ended.spawnfile} ended with ${ended.exitCode} before there was ${what}`);
    if (performance.now() > deadline) throw new Error(`no ${what} after ${startDeadlineMs / 1_000} s`);
    await wait(50);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

async function writeKeys(privatePath: string, publicPath: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  await writeFile(privatePath, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  await writeFile(publicPath, publicKey.export({ type: "spki", format: "pem" }));
}

function kubeconfigText(server: string, authority: string): string {
  const users = { admin: adminToken, stranger: strangerToken };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "test", cluster: { server, "certificate-authority-data": Buffer.from(authority).toString("base64") } },
    ],
    users: Object.entries(users).map(([name, token]) => ({ name, user: { token } })),
    contexts: Object.keys(users).map((name) => ({ name, context: { cluster: "test", user: name } })),
    "current-context": "stranger",
  });
}
