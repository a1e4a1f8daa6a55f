import { describe, expect, it } from "vitest";
import { createClusterFixture, deploymentObject, IMAGE, reference, serviceObject } from "./cluster-fixture.ts";

const never = new AbortController().signal;
const ONE = { replicas: 1 };

describe("a container's environment", () => {
  it("has values, fields, keys of maps and secrets, and references expanded", async () => {
    const { cluster, clock, runtime } = createClusterFixture();
    await cluster.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings" },
      data: { level: "info" },
    });
    await cluster.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "keys" },
      stringData: { token: "s3cret" },
    });
    await cluster.apply(
      deploymentObject({
        spec: ONE,
        container: {
          command: ["node", "main.ts", "$(LEVEL)"],
          args: ["$(UNKNOWN)", "$$(LEVEL)"],
          envFrom: [{ prefix: "ALL_", configMapRef: { name: "settings" } }],
          env: [
            { name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
            { name: "SPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
            { name: "ADDRESS", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
            { name: "LEVEL", valueFrom: { configMapKeyRef: { name: "settings", key: "level" } } },
            { name: "TOKEN", valueFrom: { secretKeyRef: { name: "keys", key: "token" } } },
            { name: "NONE", valueFrom: { secretKeyRef: { name: "absent", key: "token", optional: true } } },
            { name: "BOTH", value: "$(LEVEL)-$(SPACE)" },
          ],
          resources: { limits: { cpu: "1", memory: "2Gi", "ephemeral-storage": "1Gi" } },
        },
      }),
    );
    await clock.advance(1_000);
    const [spec] = runtime.started;
    expect(spec).toMatchObject({ platform: "gke", image: IMAGE, memoryLimitBytes: 2 * 2 ** 30 });
    expect(spec?.command).toEqual(["node", "main.ts", "info", "$(UNKNOWN)", "$(LEVEL)"]);
    expect(spec?.env).toEqual({
      HOSTNAME: spec?.name,
      KUBERNETES_SERVICE_HOST: "10.96.0.1",
      KUBERNETES_SERVICE_PORT: "443",
      ALL_level: "info",
      POD: spec?.name,
      SPACE: "default",
      ADDRESS: "127.0.0.1",
      LEVEL: "info",
      TOKEN: "s3cret",
      BOTH: "info-default",
    });
  });

  it("keeps the container waiting until a missing ConfigMap appears", async () => {
    const { cluster, clock, runtime, pods } = createClusterFixture();
    const env = [{ name: "LEVEL", valueFrom: { configMapKeyRef: { name: "settings", key: "level" } } }];
    await cluster.apply(deploymentObject({ spec: ONE, container: { env } }));
    await clock.advance(1_000);
    const state = () => pods()[0]?.status.containerStatuses[0]?.state;
    expect(state()?.waiting).toEqual({
      reason: "CreateContainerConfigError",
      message: 'configmap "settings" not found',
    });
    await cluster.apply({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: {} });
    await clock.advance(0);
    expect(state()?.waiting?.message).toBe("couldn't find key level in ConfigMap default/settings");
    await cluster.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings" },
      data: { level: "info" },
    });
    await clock.advance(0);
    expect(state()?.running).toBeDefined();
    expect(runtime.started).toHaveLength(1);
  });
});

describe("a volume of secrets", () => {
  const version = "projects/p/secrets/key/versions/1";
  const mountPath = "/var/run/secrets";
  const driver = "secrets-store-gke.csi.k8s.io";
  const volume = (secretProviderClass = "keys") => ({
    name: "files",
    csi: { driver, readOnly: true, volumeAttributes: { secretProviderClass } },
  });
  const container = { volumeMounts: [{ name: "files", mountPath, readOnly: true }] };
  const withVolume = (files = volume()) => deploymentObject({ spec: ONE, container, pod: { volumes: [files] } });
  const classObject = (secrets = `- resourceName: ${version}\n  path: KEY\n`) => ({
    apiVersion: "secrets-store.csi.x-k8s.io/v1",
    kind: "SecretProviderClass",
    metadata: { name: "keys" },
    spec: { provider: "gke", parameters: { secrets } },
  });
  const waitingOf = ({ pods }: ReturnType<typeof createClusterFixture>) =>
    pods()[0]?.status.containerStatuses[0]?.state.waiting;

  it("gives the container its folder, and no value to the cluster", async () => {
    const { cluster, clock, runtime } = createClusterFixture();
    await cluster.apply(classObject());
    await cluster.apply(withVolume());
    await clock.advance(1_000);
    expect(runtime.started[0]?.secretFolders).toEqual({ [mountPath]: { KEY: version } });
  });

  it("keeps the pod waiting for its class", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, runtime } = fixture;
    await cluster.apply(withVolume());
    await clock.advance(1_000);
    expect(waitingOf(fixture)?.message).toContain(
      'MountVolume.SetUp failed for volume "files" : rpc error: code = Unknown desc = failed to mount secrets store objects: failed to get secretproviderclass default/keys',
    );
    expect(runtime.started).toHaveLength(0);
    await cluster.apply(classObject());
    await clock.advance(0);
    expect(runtime.started).toHaveLength(1);
  });

  it("fails the rollout by its name when a secret is not there, and starts once it is", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, runtime } = fixture;
    runtime.missingSecrets.add(version);
    await cluster.apply(classObject());
    await cluster.apply(withVolume());
    const ready = cluster.ready(reference(deploymentObject()), never);
    const failed = expect(ready).rejects.toThrow(/\[FailedMount\] MountVolume.*Secret projects\/p\/secrets\/key/);
    await clock.advance(1_000);
    await failed;
    runtime.missingSecrets.clear();
    await clock.advance(20_000);
    expect(waitingOf(fixture)).toBeUndefined();
    expect(runtime.instances()).toHaveLength(1);
  });

  it.each([
    ["a list that is none", "KEY", /failed to unmarshal/],
    ["a path out of the volume", `[{resourceName: ${version}, path: ../KEY}]`, /0\.path is not a file's name/],
  ])("cannot be mounted from %s", async (_what, secrets, message) => {
    const fixture = createClusterFixture();
    await fixture.cluster.apply(classObject(secrets));
    await fixture.cluster.apply(withVolume());
    await fixture.clock.advance(1_000);
    expect(waitingOf(fixture)).toMatchObject({ reason: "FailedMount", message: expect.stringMatching(message) });
  });

  it("is refused without its class, and a mount without its volume", async () => {
    const { cluster } = createClusterFixture();
    await expect(cluster.apply(withVolume(volume("")))).rejects.toThrow(/csi\.volumeAttributes\.secretProviderClass/);
    await expect(cluster.apply(deploymentObject({ spec: ONE, container }))).rejects.toThrow(
      /volumeMounts\[0\]\.name: Not found: "files"/,
    );
  });
});

describe("probes", () => {
  it("run on their period from their delay, with the request that is declared", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, checks, runtime } = fixture;
    const start = clock.now();
    const times: number[] = [];
    fixture.probe = () => {
      times.push(clock.now() - start);
      return { ok: true };
    };
    const readinessProbe = {
      httpGet: { path: "/ready", port: "http", httpHeaders: [{ name: "X-Probe", value: "1" }] },
      initialDelaySeconds: 3,
      periodSeconds: 5,
    };
    await cluster.apply(deploymentObject({ spec: ONE, container: { readinessProbe } }));
    await clock.advance(14_000);
    expect(times).toEqual([3_000, 8_000, 13_000]);
    expect(checks[0]?.origin).toBe(runtime.instances()[0]?.origin);
    expect(checks[0]?.http).toEqual({ path: "/ready", headers: { "X-Probe": "1" } });
  });

  it("need as many results in a row as the thresholds say", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, pods } = fixture;
    const answers = [true, true, false, false, true, false, false, false];
    fixture.probe = () => (answers.shift() === true ? { ok: true } : { ok: false, message: "no" });
    const readinessProbe = { tcpSocket: { port: 8080 }, periodSeconds: 1, successThreshold: 2 };
    await cluster.apply(deploymentObject({ spec: ONE, container: { readinessProbe } }));
    const seen: (boolean | undefined)[] = [];
    for (let index = 0; index < 8; index += 1) {
      await clock.advance(index === 0 ? 0 : 1_000);
      seen.push(pods()[0]?.status.containerStatuses[0]?.ready);
    }
    expect(seen).toEqual([false, true, true, true, true, true, true, false]);
  });

  it("of readiness and liveness wait for the startup probe", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, pods, checks } = fixture;
    let up = false;
    fixture.probe = ({ http }) => (http?.path !== "/started" || up ? { ok: true } : { ok: false, message: "no" });
    await cluster.apply(
      deploymentObject({
        spec: ONE,
        container: {
          startupProbe: { httpGet: { path: "/started", port: 8080 }, periodSeconds: 1, failureThreshold: 30 },
        },
      }),
    );
    await clock.advance(5_000);
    expect(checks.every(({ http }) => http?.path === "/started")).toBe(true);
    expect(pods()[0]?.status.containerStatuses[0]).toMatchObject({ started: false, ready: false });
    up = true;
    await clock.advance(1_000);
    expect(pods()[0]?.status.containerStatuses[0]).toMatchObject({ started: true, ready: true });
  });

  it("of liveness end the container for its own fault, and it is started again", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, runtime, pods } = fixture;
    let alive = true;
    fixture.probe = ({ http }) => (http?.path !== "/live" || alive ? { ok: true } : { ok: false, message: "no" });
    const livenessProbe = { httpGet: { path: "/live", port: 8080 }, periodSeconds: 2, failureThreshold: 2 };
    await cluster.apply(deploymentObject({ spec: ONE, container: { livenessProbe } }));
    await clock.advance(3_000);
    alive = false;
    await clock.advance(4_000);
    alive = true;
    await clock.advance(1_000);
    expect(runtime.stops).toMatchObject([{ graceMs: 30_000, fault: "Container agent failed liveness probe" }]);
    expect(runtime.exits()[0]?.expected).toBe(false);
    expect(pods()[0]?.status.containerStatuses[0]).toMatchObject({ restartCount: 1, ready: true });
  });
});

describe("restarts", () => {
  it("come at once, then after 10 s, 20 s, 40 s; the pod says why it waits", async () => {
    const { cluster, clock, runtime, pods } = createClusterFixture();
    await cluster.apply(deploymentObject({ spec: ONE }));
    await clock.advance(1_000);
    const gaps: number[] = [];
    for (let crash = 0; crash < 4; crash += 1) {
      const name = runtime.instances()[0]?.name ?? "";
      const before = runtime.started.length;
      runtime.instance(name).crash(3, "cannot reach its configuration");
      const at = clock.now();
      await clock.advance(0);
      if (crash === 1) {
        const { state, lastState } = pods()[0]?.status.containerStatuses[0] ?? {};
        expect(state?.waiting?.reason).toBe("CrashLoopBackOff");
        expect(state?.waiting?.message).toMatch(
          /^back-off 10s restarting failed container=agent pod=kiro-\S+_default\(/,
        );
        expect(lastState?.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
      }
      while (runtime.started.length === before) await clock.advance(1_000);
      gaps.push(clock.now() - at);
      await clock.advance(0);
    }
    expect(gaps).toEqual([0, 10_000, 20_000, 40_000]);
    expect(pods()[0]?.status.containerStatuses[0]?.restartCount).toBe(4);
  });

  it("make a rollout fail after the third crash, with the container's last output", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, runtime } = fixture;
    fixture.probe = () => ({ ok: false, message: "connect ECONNREFUSED" });
    const object = deploymentObject({ spec: ONE });
    await cluster.apply(object);
    const failed = expect(cluster.ready(reference(object), never)).rejects.toThrow(
      /Deployment 'kiro' failed to become Ready[\s\S]*\[CrashLoopBackOff\] back-off 20s[\s\S]*exit code 3 \(Error\)[\s\S]*\| cannot reach its configuration/,
    );
    for (let crash = 0; crash < 3; crash += 1) {
      while (runtime.instances().length === 0) await clock.advance(1_000);
      runtime.instance(runtime.instances()[0]?.name ?? "").crash(3, "echo: starting\ncannot reach its configuration");
      await clock.advance(0);
    }
    await failed;
  });

  it("do not happen for a pod that is to run once", async () => {
    const { cluster, clock, runtime } = createClusterFixture();
    const object = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "once" },
      spec: { restartPolicy: "Never", containers: [{ name: "agent", image: IMAGE }] },
    };
    await cluster.apply(object);
    await clock.advance(0);
    runtime.instance("once").crash(0);
    await clock.advance(60_000);
    expect(runtime.started).toHaveLength(1);
    expect((await cluster.ready(reference(object), never))["status"]).toMatchObject({ phase: "Succeeded" });
  });
});

describe("an image that is not there", () => {
  it("fails the rollout at once, is tried again with back-off, and runs when it has come", async () => {
    const { cluster, clock, runtime, pods } = createClusterFixture();
    runtime.missingImages.add(IMAGE);
    const object = deploymentObject({ spec: ONE });
    await cluster.apply(object);
    const failed = expect(cluster.ready(reference(object), never)).rejects.toThrow(
      /\[ErrImagePull\] Image '.*' not found.*switchyard image build/,
    );
    await clock.advance(10_000);
    await failed;
    expect(runtime.started).toHaveLength(2);
    expect(pods()[0]?.status.containerStatuses[0]?.state.waiting?.reason).toBe("ImagePullBackOff");
    runtime.missingImages.clear();
    await clock.advance(20_000);
    expect(pods()[0]?.status.containerStatuses[0]?.ready).toBe(true);
  });
});

describe("the end of a pod", () => {
  const ending = (lifecycle: { preStop: { [key: string]: never } } | object, seconds: number) =>
    deploymentObject({
      spec: ONE,
      pod: { terminationGracePeriodSeconds: seconds },
      container: JSON.parse(JSON.stringify({ lifecycle })),
    });

  it.each([
    ["sleep", { preStop: { sleep: { seconds: 4 } } }],
    ["a sleep command", { preStop: { exec: { command: ["sleep", "4"] } } }],
    ["a sleep command in a shell", { preStop: { exec: { command: ["/bin/sh", "-c", "sleep 4"] } } }],
  ])("waits for %s before SIGTERM, and the grace includes it", async (_name, lifecycle) => {
    const { cluster, clock, runtime } = createClusterFixture();
    runtime.exitAfterMs = 60_000;
    const object = ending(lifecycle, 10);
    await cluster.apply(object);
    await clock.advance(1_000);
    const start = clock.now();
    const deleted = cluster.delete(reference(object)).then(() => clock.now() - start);
    await clock.advance(11_000);
    expect(await deleted).toBe(10_000);
    expect(runtime.stops.map(({ at, graceMs }) => [at - start, graceMs])).toEqual([[4_000, 6_000]]);
    expect(runtime.exits()[0]?.signal).toBe("SIGKILL");
  });

  it("leaves two seconds for SIGTERM when preStop has used up the grace", async () => {
    const { cluster, clock, runtime } = createClusterFixture();
    const object = ending({ preStop: { exec: { command: ["sleep", "60"] } } }, 10);
    await cluster.apply(object);
    await clock.advance(1_000);
    const start = clock.now();
    const deleted = cluster.delete(reference(object));
    await clock.advance(12_000);
    await deleted;
    expect(runtime.stops.map(({ at, graceMs }) => [at - start, graceMs])).toEqual([[10_000, 2_000]]);
  });

  it("sends a declared request before SIGTERM", async () => {
    const { cluster, clock, runtime, checks } = createClusterFixture();
    const object = ending({ preStop: { httpGet: { path: "/drain", port: "http" } } }, 10);
    await cluster.apply(object);
    await clock.advance(1_000);
    const deleted = cluster.delete(reference(object));
    await clock.advance(1_000);
    await deleted;
    expect(checks.at(-1)?.http?.path).toBe("/drain");
    expect(runtime.stops.map(({ graceMs }) => graceMs)).toEqual([10_000]);
  });
});

describe("close", () => {
  it("ends all pods and leaves no timer", async () => {
    const { cluster, clock, runtime } = createClusterFixture();
    await cluster.apply(serviceObject());
    await cluster.apply(deploymentObject());
    await clock.advance(2_500);
    await cluster.close();
    await clock.advance(0);
    expect(runtime.instances()).toEqual([]);
    expect(clock.pending()).toEqual([]);
  });

  it("lets nobody wait for ever", async () => {
    const fixture = createClusterFixture();
    const { cluster, clock, runtime } = fixture;
    runtime.exitAfterMs = 60_000;
    fixture.probe = () => ({ ok: false, message: "no" });
    const object = deploymentObject();
    await cluster.apply(object);
    await clock.advance(1_000);
    const ready = expect(cluster.ready(reference(object), never)).rejects.toThrow("timed out waiting to be Ready");
    const deleted = expect(cluster.delete(reference(object))).rejects.toThrow("cluster agents is closed");
    const closed = cluster.close();
    await clock.advance(30_000);
    await Promise.all([ready, deleted, closed]);
    expect(runtime.instances()).toEqual([]);
  });
});
