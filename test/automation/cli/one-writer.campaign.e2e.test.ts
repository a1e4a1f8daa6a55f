import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Load } from "../../../automation/cli/demo/load.ts";
import { until } from "../../local/daemon/daemon-process.ts";
import { type CliCheckout, checkout, openCliCheckout, describe as told } from "../../support/cli.ts";

// One environment whose platforms are both up, and whose state is in the local cloud's DynamoDB. In order: each goes on where the last ended.

let cli: CliCheckout;
let load: Load | undefined;
beforeAll(async () => {
  cli = await openCliCheckout();
  await writeFile(
    join(cli.root, "switchyard.yaml"),
    "environments:\n  local:\n    cloud: local\n    swap: {profile: demo}\n    state: {store: dynamodb}\n",
  );
  await cli.result("up", "cloud-run.local");
  await cli.result("up", "gke.local");
  await cli.result("up", "traffic.local", "--platforms", "cloud-run,gke");
});
afterAll(async () => {
  load?.kill();
  await cli.close();
});

const weights = async (): Promise<unknown> => (await cli.result("traffic", "show"))["weights"];

describe("weights set by hand", () => {
  test("are written, and printed with what they were and the way back", async () => {
    expect(await weights()).toEqual({ "cloud-run": 100, gke: 0 });
    const set = await cli.run(["traffic", "set", "cloud-run=95", "gke=5", "--env", "local", "--yes"]);
    expect(set.code, told(set)).toBe(0);
    expect(set.stdout).toContain("local: cloud-run=95 gke=5 (it was cloud-run=100 gke=0).");
    expect(set.stdout).toContain("To undo:   npx switchyard traffic set cloud-run=100 gke=0 --env local");
    expect(await weights()).toEqual({ "cloud-run": 95, gke: 5 });
  });

  test("are refused where nobody can confirm them, and where they are none; nothing is changed", async () => {
    expect(await cli.failure("traffic", "set", "cloud-run=100")).toMatchObject({ code: "usage-error" });
    expect(await cli.failure("traffic", "set", "cloud-run=90", "gke=5", "--yes")).toMatchObject({
      code: "traffic-weights-invalid",
      message: expect.stringContaining("add up to 95"),
    });
    expect(await cli.failure("traffic", "set", "clod-run=100", "--yes")).toMatchObject({
      code: "unknown-platform",
      message: expect.stringContaining("did you mean cloud-run?"),
    });
    expect(await weights()).toEqual({ "cloud-run": 95, gke: 5 });
  });

  test("of two people at the same moment are one person's", async () => {
    const runs = await Promise.all([
      cli.run(["traffic", "set", "cloud-run=90", "gke=10", "--yes", "--json"]),
      cli.run(["traffic", "set", "cloud-run=80", "gke=20", "--yes", "--json"]),
    ]);
    // The second one sees that they are not those that it was asked about, or came first or last.
    const winners = runs.filter(({ code }) => code === 0);
    expect(winners.length).toBeGreaterThanOrEqual(1);
    for (const run of runs.filter(({ code }) => code !== 0))
      expect(z.object({ error: z.object({ code: z.string() }) }).parse(JSON.parse(run.stdout)).error.code).toBe(
        "weights-moved-elsewhere",
      );
    expect([
      { "cloud-run": 90, gke: 10 },
      { "cloud-run": 80, gke: 20 },
    ]).toContainEqual(await weights());
  });
});

describe("state in the local cloud's DynamoDB", () => {
  test("leaves nothing of it in files, and lasts when the local cloud is stopped", async () => {
    const environments = await readdir(join(cli.root, ".switchyard"));
    expect(environments).not.toContain("environments");
    expect(await cli.result("swap", "history")).toEqual({ swaps: [] });
    await cli.result("local", "stop");
    // The map's fence is the last lease's; a store that had forgotten it could write no more.
    expect(await cli.result("traffic", "set", "cloud-run=100", "--yes")).toMatchObject({
      after: { "cloud-run": 100, gke: 0 },
    });
  });
});

describe("a process that drives a swap", () => {
  test("lets nobody else change the environment; one that stands still is replaced, and changes nothing when it wakes", async () => {
    const { url, host } = z.object({ url: z.string(), host: z.string() }).parse(await cli.result("traffic", "show"));
    load = await Load.start({ root: checkout, url, host, rate: 60, seed: 1 });
    const driver = cli.start(["swap", "start", "--to", "gke", "--ramp", "50,100", "--json"]);
    await until(
      "half of the traffic is on gke",
      async () => {
        const shares = z.record(z.string(), z.number()).parse(await weights());
        return shares["gke"] === 50 ? shares : undefined;
      },
      120_000,
    );

    for (const [code, ...args] of [
      ["swap-in-progress", "traffic", "set", "cloud-run=100", "--yes"],
      ["swap-in-progress", "up", "cloud-run.local"],
      // Its weights and backends are what the swap moves.
      ["swap-in-progress", "up", "traffic.local"],
      ["swap-in-progress", "up", "traffic.local", "--platforms", "cloud-run"],
      ["platform-in-use", "destroy", "gke.local", "--yes"],
      ["swap-in-progress", "swap", "start", "--to", "gke"],
    ])
      expect(await cli.failure(...args), args.join(" ")).toMatchObject({ code });

    driver.kill("SIGSTOP");
    // It is alive, so that only its silence tells: 15 s.
    const resumed = await cli.result("swap", "resume");
    expect(resumed).toMatchObject({ state: "completed", to: "gke" });
    driver.kill("SIGCONT");
    const ended = await driver.ended;
    expect(
      z.object({ error: z.object({ code: z.string() }) }).parse(JSON.parse(ended.stdout)).error.code,
      told(ended),
    ).toBe("lease-lost");
    expect(await weights()).toEqual({ gke: 100 });
    expect(await cli.result("swap", "status")).toMatchObject({ state: "completed", driven: false });
  });
});
