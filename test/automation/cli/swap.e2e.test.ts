import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { nodeFileSystem } from "../../../automation/adapters/node-file-system.ts";
import { operatingSystemProcesses } from "../../../automation/adapters/operating-system-processes.ts";
import { createFileStateStore } from "../../../automation/adapters/state-files.ts";
import { systemClock } from "../../../automation/adapters/system-clock.ts";
import { Load } from "../../../automation/cli/demo/load.ts";
import type { SwapState } from "../../../automation/swap/state.ts";
import { SwapStore } from "../../../automation/swap/store.ts";
import { until } from "../../local/daemon/daemon-process.ts";
import {
  type CliCheckout,
  type CliProcess,
  type CliResult,
  checkout,
  openCliCheckout,
  describe as told,
} from "../../support/cli.ts";

// Swaps under load with real processes, stopped and steered from other processes. In order: each goes on where the last ended.

let cli: CliCheckout;
let load: Load | undefined;
let store: SwapStore;
let cloudPid: unknown;
beforeAll(async () => {
  cli = await openCliCheckout();
  const folder = join(cli.root, ".switchyard/environments/local");
  store = new SwapStore({
    store: createFileStateStore({ files: nodeFileSystem, folder }),
    processes: operatingSystemProcesses,
    clock: systemClock,
    environment: "local",
  });
  await cli.result("up", "cloud-run.local");
  await cli.result("up", "traffic.local");
  const { url, host } = z.object({ url: z.string(), host: z.string() }).parse(await cli.result("traffic", "show"));
  load = await Load.start({ root: checkout, url, host, rate: 60, seed: 1 });
  cloudPid = (await cli.result("local", "status"))["pid"];
});
afterAll(async () => {
  load?.kill();
  await cli.close();
});

const start = (to: string, ...more: string[]): CliProcess =>
  cli.start(["swap", "start", "--to", to, "--ramp", "50,100", "--profile", "demo", ...more]);

/** The agent, whose instances begin to start when they are let. */
async function heldImage(): Promise<{ readonly folder: string; readonly letStart: () => Promise<void> }> {
  const folder = join(cli.root, "held");
  const sign = join(cli.root, "may-start");
  const image = { from: relative(folder, join(checkout, "services", "kiro")), start: ["node", "held.ts"] };
  await mkdir(folder);
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "held", type: "module", switchyard: { image } }),
  );
  await writeFile(
    join(folder, "held.ts"),
    `import { existsSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
while (!existsSync(${JSON.stringify(sign)})) await wait(50);
await import("./main.ts");
`,
  );
  return { folder, letStart: () => writeFile(sign, "") };
}

/** Until the newest swap's journal says so. */
function swapIs(what: string, condition: (state: SwapState) => boolean): Promise<SwapState> {
  return until(
    what,
    async () => {
      const state = (await store.latest())?.state;
      return state !== undefined && condition(state) ? state : undefined;
    },
    60_000,
  );
}

const shifted = (state: SwapState): boolean =>
  state.phase === "shifting" && state.accepted?.[state.to] === 50 && state.done;

/** Ctrl-C, and what holds after it in any phase. */
async function interrupt(running: CliProcess): Promise<CliResult> {
  running.kill("SIGINT");
  const ended = await running.ended;
  expect(ended.code, told(ended)).toBe(8);
  expect(ended.stdout).toBe("");
  expect(ended.stderr).toContain("Ctrl-C: stopping safely; once more stops at once.");
  expect(ended.stderr).toContain("Error: cancelled\n");
  expect(ended.stderr).toContain("To go on:     npx switchyard swap resume --env local\n");
  // The lock is free, the local cloud is alive, and everybody is told.
  expect(await store.owner()).toBeUndefined();
  const [local, status, again] = await Promise.all([
    cli.result("local", "status"),
    cli.run(["swap", "status"]),
    cli.failure("swap", "start", "--to", "gke"),
  ]);
  expect(local["pid"]).toBe(cloudPid);
  expect(status.stdout).toContain(
    "Nobody drives it at the moment.\nTo go on:   npx switchyard swap resume --env local\n",
  );
  expect(again).toMatchObject({ code: "swap-interrupted" });
  return ended;
}

describe("a swap that a person ends early", () => {
  let held: Awaited<ReturnType<typeof heldImage>>;
  beforeAll(async () => {
    held = await heldImage();
  });

  test("Ctrl-C while the candidate is deployed leaves the traffic where it was", async () => {
    const swap = start("gke", "--image", held.folder);
    await swapIs("deploying", ({ phase, pending }) => phase === "deploying" && pending !== undefined);
    const second = await cli.failure("swap", "start", "--to", "gke");
    expect(second).toMatchObject({ code: "swap-in-progress", message: expect.stringContaining("deploying") });
    const ended = await interrupt(swap);
    expect(ended.stderr).toContain(
      "Stopped (deploying). The swap's state is kept and traffic stays as it is (not moved).",
    );
    expect(ended.stderr).toContain("To go back:   npx switchyard swap abort --env local\n");
  });

  test("resume goes on; abort from elsewhere returns when the traffic is back, and the driver fails", async () => {
    await held.letStart();
    const resumed = cli.start(["swap", "resume"]);
    await swapIs("half of the traffic moved", shifted);
    const abort = await cli.run(["swap", "abort"]);
    expect(abort.code, told(abort)).toBe(0);
    expect(abort.stdout).toMatch(/^Swap 1 of local: cloud-run -> gke, aborted \(ended\)\.$/m);
    expect(abort.stdout).toMatch(/^To remove the new side: +npx switchyard .* npx switchyard destroy gke\.local$/m);
    expect(await cli.result("traffic", "show")).toMatchObject({ weights: { "cloud-run": 100, gke: 0 } });
    const ended = await resumed.ended;
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toContain(
      "Error: swap-failed\nSwap 1 (cloud-run -> gke) was aborted: a person aborted the swap.",
    );
    expect(await cli.failure("swap", "abort")).toMatchObject({ code: "no-swap" });
  });
});

describe("a swap that goes through", () => {
  test("Ctrl-C in the middle of the ramp keeps the weights, and says them", async () => {
    const swap = start("gke");
    await swapIs("half of the traffic moved", shifted);
    const ended = await interrupt(swap);
    expect(ended.stderr).toContain("Stopped (step 1 of 2, 50 %).");
    expect(ended.stderr).toContain("traffic stays as it is (cloud-run 50 %, gke 50 %)");
    expect(await cli.result("traffic", "show")).toMatchObject({ weights: { "cloud-run": 50, gke: 50 } });
  });

  test("Ctrl-C in the bake keeps both sides", async () => {
    const resumed = cli.start(["swap", "resume"]);
    await swapIs("baking", ({ phase }) => phase === "baking");
    const ended = await interrupt(resumed);
    expect(ended.stderr).toContain("Stopped (baking).");
    expect(ended.stderr).toContain("traffic stays as it is (cloud-run 0 %, gke 100 %)");
  });

  test("resume ends it, while another process watches; no request failed in all of this", async () => {
    const resumed = cli.start(["swap", "resume", "--json"]);
    await swapIs("driven again", ({ end }) => end === undefined);
    await until("driven again", async () => (await store.owner()) !== undefined);
    const watch = cli.start(["swap", "watch"]);
    const [ended, watched] = await Promise.all([resumed.ended, watch.ended]);
    expect(ended.code, told(ended)).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ result: { id: "2", state: "completed", weights: { gke: 100 } } });
    expect(watched.code, told(watched)).toBe(0);
    expect(watched.stderr).toMatch(/^\d\d:\d\d:\d\d {2}draining: the bake at 100 % ended without a finding$/m);
    expect(watched.stdout).toMatch(/^Swap 2 of local: cloud-run -> gke, completed/);
    expect(await cli.result("traffic", "show")).toMatchObject({ weights: { gke: 100 } });
    expect(load?.progress?.failures).toMatchObject({ swap: 0, agent: {}, crash: {} });
  });
});

describe("a swap whose driver is killed", () => {
  test("is taken over by the one who watches; pause, promote and rollback reach it there", async () => {
    const swap = start("cloud-run");
    await swapIs("half of the traffic moved", shifted);
    const watch = cli.start(["swap", "watch"]);
    await watch.says("shifting: ");
    swap.kill("SIGKILL");
    await swap.ended;
    await watch.says("Nobody drives this swap any more; this process goes on with it.");
    expect(await cli.result("swap", "status")).toMatchObject({ state: "running", driven: true });

    expect(await cli.result("swap", "pause")).toMatchObject({
      state: "paused",
      paused: true,
      reason: "requested-pause",
    });
    expect(await cli.result("swap", "resume")).toMatchObject({ state: "running", paused: false });
    expect(await cli.result("swap", "promote")).toMatchObject({ paused: false });
    await swapIs("promoted", ({ step, phase }) => step === 1 || phase === "baking");

    const rollback = await cli.run(["swap", "rollback"]);
    expect(rollback.code, told(rollback)).toBe(0);
    expect(rollback.stdout).toMatch(/^Swap 3 of local: gke -> cloud-run, rolled-back/);
    const watched = await watch.ended;
    expect(watched.code, told(watched)).toBe(1);
    expect(watched.stderr).toContain("Error: swap-failed");
    expect(await cli.result("traffic", "show")).toMatchObject({ weights: { gke: 100 } });
    const { stacks } = await cli.result("stacks");
    expect(stacks).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ stack: "cloud-run.local", resources: 0 })]),
    );
    const summary = await load?.stop();
    load = undefined;
    expect(summary?.failures).toEqual({ swap: 0, client: 0, agent: {}, crash: {} });
  });
});

describe("the past swaps", () => {
  test("are listed and explained", async () => {
    const [history, why] = await Promise.all([cli.run(["swap", "history"]), cli.run(["swap", "why", "2"])]);
    expect(history.stdout).toMatch(
      /^id +mode +started +ended +from +to +state +why\n *3 .*rolled-back.*\n *2 .*completed.*\n *1 .*aborted/,
    );
    expect(why.stdout).toMatch(/^Swap 2, cloud-run -> gke\. Looked at: request feed of the local router/);
    expect(why.stdout).toMatch(/step 1 of 2, 50 %: step 2 of 2, 100 %, because the data plane follows the weight/);
    expect(why.stdout).toMatch(/In the window: old side \d+ requests, 0 errors; new side \d+ requests, 0 errors\./);
    expect(why.stdout).toMatch(/weights cloud-run 50 %, gke 50 %, \d+ ms/);
  });

  test("whose journal lost its end, or has another one, is refused, and nothing is offered to resume", async () => {
    const path = join(cli.root, ".switchyard/environments/local/swaps/3/journal.jsonl");
    const written = await readFile(path, "utf8");
    const lines = written.trimEnd().split("\n");
    const last = lines.at(-1) ?? "";
    expect(last).toContain('"as":"rolled-back"');
    for (const [left, line] of [
      [lines.slice(0, -1), lines.length],
      [lines.slice(0, -10), lines.length - 9],
      [[...lines.slice(0, -1), last.replace('"as":"rolled-back"', '"as":"aborted"')], lines.length],
    ] as const) {
      await writeFile(path, `${left.join("\n")}\n`);
      expect(await cli.failure("swap", "resume")).toMatchObject({ code: "journal-corrupt", data: { line } });
    }
    await writeFile(path, written);
    expect(await cli.result("swap", "status")).toMatchObject({ id: "3", state: "rolled-back" });
  });

  test("whose journal was changed is refused as a whole, with the way to keep it and go on", async () => {
    const path = join(cli.root, ".switchyard/environments/local/swaps/3/journal.jsonl");
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, [...lines.slice(0, 3), lines[3]?.replace(/"at":\d/, '"at":9'), ...lines.slice(4)].join("\n"));
    const errors = await Promise.all([
      cli.failure("swap", "status"),
      cli.failure("swap", "why", "3"),
      cli.failure("swap", "start", "--to", "cloud-run"),
      cli.failure("swap", "resume"),
    ]);
    for (const error of errors) {
      expect(error).toMatchObject({ code: "journal-corrupt", exitCode: 1, data: { line: 5 } });
      expect(error.message).toMatch(/The journal swaps\/3\/journal in files in .* is damaged at line 5: /);
      expect(error.next).toContainEqual(expect.stringContaining("npx switchyard state set-aside 3 --env local"));
    }
    // The others are shown all the same.
    const history = await cli.run(["swap", "history"]);
    expect(history.stderr).toContain("Warning: swap 3 is left out. The journal swaps/3/journal");
    expect(history.stdout).toMatch(/^ *2 .*completed/m);
    // As it says.
    expect(await cli.result("state", "set-aside", "3", "--env", "local", "--yes")).toMatchObject({ id: "3" });
    expect(await cli.result("swap", "status")).toMatchObject({ id: "2", state: "completed" });
  });
});
