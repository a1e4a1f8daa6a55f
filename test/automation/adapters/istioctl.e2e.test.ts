import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ClusterConnection } from "../../../automation/adapters/cluster-access.ts";
import { createIstioctl, type IstioctlOptions } from "../../../automation/adapters/istioctl.ts";
import { runIstioctl } from "../../../automation/adapters/istioctl-process.ts";
import { openKubeconfig } from "../../../automation/adapters/kubeconfig.ts";
import { binaryPath, haveBinaries } from "../../support/kubernetes/binaries.ts";
import { type ControlPlane, freePort, startControlPlane } from "../../support/kubernetes/control-plane.ts";
import { istioCrds } from "../../support/kubernetes/crds.ts";
import { faultyMesh, oldGatewayApi } from "../../support/kubernetes/faulty-mesh.ts";
import { removeFolder } from "../../support/remove-folder.ts";

const built = haveBinaries("istioctl against a real API server", ["kube-apiserver", "etcd", "istioctl"]);

const path = binaryPath("istioctl");
/** The binary is built of Istio's Go module, whose newest version says 1.31.0; the one with the fix is not there as a module. */
const safeVersions = ["1.29.8", "1.30.5", "1.31.0"];

describe.skipIf(!built)("the real istioctl", () => {
  let plane: ControlPlane;
  beforeAll(async () => {
    plane = await startControlPlane();
    await plane.apply(await istioCrds());
  });
  afterAll(() => plane?.close());

  const as = (context: string): ClusterConnection => openKubeconfig({ path: plane.kubeconfig, context });
  const open = (options: Partial<IstioctlOptions> = {}) =>
    createIstioctl({ minor: "1.31", path, env: {}, connection: as("admin"), safeVersions, ...options });
  /** Its own words, kept as they are for the tests that have no istioctl. */
  const record = async (args: readonly string[], name: string, context = "admin") => {
    const access = await as(context).access();
    const { stdout, stderr, code } = await runIstioctl({ binary: path, args, access, deadlineMs: 60_000 });
    // What differs from run to run, and with the compiler.
    const text = JSON.stringify({ stdout, stderr, code }, null, 2)
      .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:6443")
      .replaceAll(/go1\.\d+(\.\d+)?/g, "go1.26");
    await expect(`${text}\n`).toMatchFileSnapshot(`../../fixtures/istioctl/${name}.json`);
  };

  it("is refused before it sees the cluster when its version is not a safe one", async () => {
    const asked: string[] = [];
    const connection: ClusterConnection = {
      description: "a cluster",
      access: async () => {
        asked.push("access");
        throw new Error("must not be asked");
      },
      forget: () => undefined,
    };
    await expect(createIstioctl({ minor: "1.31", path, env: {}, connection }).analyze(undefined)).rejects.toMatchObject(
      {
        code: "istioctl-unsafe",
        message: expect.stringContaining("1.31.0"),
      },
    );
    expect(asked).toEqual([]);
  });

  it("is found on the PATH only when it has the minor", async () => {
    const env = { PATH: path.replace(/\/istioctl$/, "") };
    const connection = as("admin");
    expect(await createIstioctl({ minor: "1.31", env, connection, safeVersions }).binaryVersion()).toBe("1.31.0");
    await expect(createIstioctl({ minor: "1.30", env, connection }).binaryVersion()).rejects.toMatchObject({
      code: "istioctl-missing",
      message: expect.stringContaining("is 1.31.0"),
    });
  });

  it("finds nothing to say before an installation, and no control plane", async () => {
    const istioctl = open();
    expect(await istioctl.precheck()).toEqual([]);
    expect(await istioctl.versions()).toEqual({ client: "1.31.0", controlPlanes: [], proxies: [] });
    await expect(istioctl.proxyStatus()).rejects.toMatchObject({
      code: "istioctl-failed",
      message: expect.stringContaining("no running Istio pods"),
    });
    await record(["x", "precheck", "-o", "json"], "precheck-clean");
    await record(["version", "-o", "json"], "version-none");
    await record(["proxy-status", "-o", "json"], "proxy-status-none");
  });

  it("finds planted faults in all namespaces, though it exits with 0", async () => {
    await plane.apply(faultyMesh);
    const messages = await open().analyze(undefined);
    expect(messages).toContainEqual({
      code: "IST0101",
      level: "Error",
      origin: "VirtualService shop/cart",
      message: expect.stringContaining("cart-that-is-not-there"),
    });
    expect(messages.map(({ code }) => code)).toContain("IST0123");
    await record(["analyze", "-A", "-o", "json"], "analyze-faults");
  });

  it("warns of a cluster that is not ready for the version, and exits with 1", async () => {
    await plane.apply([oldGatewayApi]);
    const messages = await open().precheck();
    const origin = "CustomResourceDefinition gateways.gateway.networking.k8s.io";
    expect(messages).toMatchObject([
      { code: "IST0156", level: "Error", origin },
      { code: "IST0172", level: "Warning", origin },
    ]);
    await record(["x", "precheck", "-o", "json"], "precheck-warning");
    await plane.remove(oldGatewayApi);
  });

  it("says so where the credentials may not, and does not take silence for health", async () => {
    const istioctl = open({ connection: as("stranger"), deadlineMs: 6_000 });
    const refused = { code: "istioctl-failed", message: expect.stringContaining("forbidden") };
    await expect(istioctl.analyze(undefined)).rejects.toMatchObject(refused);
    await expect(istioctl.precheck()).rejects.toMatchObject(refused);
    await record(["analyze", "-A", "-o", "json"], "analyze-refused", "stranger");
  });

  it("is ended at its deadline where it would wait without end", async () => {
    const begin = performance.now();
    const stranger = open({ connection: as("stranger"), deadlineMs: 3_000 });
    const late = { code: "istioctl-failed", message: expect.stringContaining("no result within 3 s") };
    await expect(stranger.proxyStatus()).rejects.toMatchObject(late);
    const server = `https://127.0.0.1:${await freePort()}`;
    const gone: ClusterConnection = {
      description: "a cluster that is gone",
      access: async () => ({ server, authority: plane.authority, token: "none" }),
      forget: () => undefined,
    };
    await expect(open({ connection: gone, deadlineMs: 3_000 }).versions()).rejects.toMatchObject(late);
    expect(performance.now() - begin).toBeLessThan(12_000);
  });

  it("leaves no file behind", async () => {
    const folder = await mkdtemp(join(tmpdir(), "switchyard-test-"));
    vi.stubEnv("TMPDIR", folder);
    try {
      await open().precheck();
      await expect(open({ deadlineMs: 1 }).precheck()).rejects.toMatchObject({ code: "istioctl-failed" });
      expect(await readdir(folder)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
      await removeFolder(folder);
    }
  });
});
