import { expect, test } from "vitest";
import { scanLive, scanRepeatedly } from "../../../automation/cli/scan-live.ts";
import { onItsNode, SimulatedWorkloads } from "../../../automation/drill/simulation/workloads.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import type { StackName } from "../../../automation/ports/stack-engine.ts";

const platforms = ["cloud-run", "gke"];
const never = new AbortController().signal;

function given(...up: readonly StackName[]) {
  const live = new SimulatedWorkloads();
  const engine = { list: async () => up.map((stack) => ({ stack, resources: 5, updatedAt: undefined })) };
  return { live, ports: { name: "local", live, engine } };
}

test("all platforms that are up are looked at, and the worst decides", async () => {
  const { live, ports } = given("cloud-run.local", "gke.local", "gke.prod", "traffic.local");
  expect(await scanLive(ports, platforms, never)).toMatchObject({ verdict: "stateless", scanned: 2 });
  live.change("gke", onItsNode);
  expect(await scanLive(ports, platforms, never)).toMatchObject({ verdict: "stateful", findings: [{ level: "hard" }] });
});

test("where nothing is up there is nothing to pass", async () => {
  const { ports } = given("gke.prod");
  await expect(scanLive(ports, platforms, never)).rejects.toMatchObject({ code: "not-deployed" });
});

test("a look that cannot be had is told and the next one is taken; the last one counts", async () => {
  const { live, ports } = given("gke.local");
  const stop = new AbortController();
  const told: string[] = [];
  live.failWith("connection refused");
  const waits: number[] = [];
  const clock = {
    sleep: async (ms: number) => {
      waits.push(ms);
      if (waits.length === 1) live.failWith(undefined);
      if (waits.length === 2) live.change("gke", onItsNode);
      if (waits.length === 3) stop.abort();
    },
  };
  const report = await scanRepeatedly({
    look: () => scanLive(ports, platforms, stop.signal),
    everyMs: 300_000,
    clock,
    signal: stop.signal,
    onLook: (seen) => told.push(seen instanceof SwitchyardError ? seen.code : seen.verdict),
  });
  expect(told).toEqual(["compliance-unreadable", "stateless", "stateful"]);
  expect(waits).toEqual([300_000, 300_000, 300_000]);
  expect(report.verdict).toBe("stateful");
});

test("when no look could be had at all, that is the end's error", async () => {
  const { live, ports } = given("gke.local");
  live.failWith("connection refused");
  const stop = new AbortController();
  const ended = scanRepeatedly({
    look: () => scanLive(ports, platforms, stop.signal),
    everyMs: 1_000,
    clock: { sleep: async () => stop.abort() },
    signal: stop.signal,
    onLook: () => undefined,
  });
  await expect(ended).rejects.toMatchObject({ code: "compliance-unreadable" });
});
