import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AgentPlatform } from "../../../components/gke/agent-platform.ts";
import { buildImage } from "../../../local/registry/image.ts";
import { removeFolder } from "../../support/remove-folder.ts";
import { attachedStack } from "./attached-engine.ts";
import { type DaemonProcess, startDaemonProcess, until } from "./daemon-process.ts";
import { instances } from "./declared-service.ts";

let folder: string;
let daemon: DaemonProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "autoscaling-"));
  daemon = await startDaemonProcess(join(folder, "root"));
});

afterAll(async () => {
  await daemon?.letGo();
  await removeFolder(folder);
});

it("given pods that burn CPU, the component's autoscaler adds pods, an update keeps them, and idle ones go", async () => {
  const burner = join(import.meta.dirname, "../../fixtures/images/cpu-burner");
  const { image } = await buildImage({
    folder: burner,
    imagesDirectory: join(folder, "root", ".switchyard", "images"),
  });
  const states = join(folder, "states");
  await mkdir(states);
  let share = "0.9";
  const stack = await attachedStack(states, daemon.info.providers, "gke", async () => {
    new AgentPlatform("gke", {
      prefix: "kiro",
      project: "switchyard-local",
      region: "us-central1",
      image,
      replicas: 1,
      maxReplicas: 2,
      cpu: "250m",
      memory: "512Mi",
      preStopSeconds: 0,
      environment: { BURN_SHARE: share },
      deletionProtection: false,
      transform: {
        workload: {
          autoscaler: (args) => ({
            ...args,
            spec: { ...args.spec, behavior: { scaleDown: { stabilizationWindowSeconds: 1 } } },
          }),
        },
      },
    });
  });
  await stack.up();
  expect(await instances(daemon)).toHaveLength(1);

  await until("a second pod runs", async () => (await instances(daemon)).length === 2, 90_000);

  // Without a refresh the engine still knows of one replica: what it ignores must not come back by itself.
  share = "0";
  const before = (await instances(daemon)).map(({ pid }) => pid);
  const seen: number[] = [];
  const sampling = setInterval(() => void instances(daemon).then((all) => seen.push(all.length)), 100);
  await stack.up();
  clearInterval(sampling);
  // An update ends when the new pods are ready; the old ones may still be ending.
  const old = async () => (await instances(daemon)).filter(({ pid }) => before.includes(pid));
  await until("the old pods are gone", async () => (await old()).length === 0, 30_000);
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(2);

  await until("one pod is left", async () => (await instances(daemon)).length === 1, 90_000);
});
