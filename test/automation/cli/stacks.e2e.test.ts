import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliCheckout, type CliResult, hasTerminals, openCliCheckout, parseEnvelope } from "../../support/cli.ts";

// What a service developer types, on one local cloud. Commands that only read run side by side.

let cli: CliCheckout;
let ups: { cloudRun: CliResult; traffic: CliResult };
beforeAll(async () => {
  cli = await openCliCheckout();
  const cloudRun = await cli.run(["up", "cloud-run.local", "--json"]);
  ups = { cloudRun, traffic: await cli.run(["up", "traffic.local"]) };
});
afterAll(() => cli.close());

describe("up", () => {
  test("with --json has one document on stdout, and its progress on stderr", () => {
    expect(ups.cloudRun.code, ups.cloudRun.stderr).toBe(0);
    expect(parseEnvelope(ups.cloudRun.stdout)).toMatchObject({
      status: "ok",
      result: { stack: "cloud-run.local", operation: "up", outputs: { service: "kiro-agent" } },
      warnings: [],
    });
    expect(ups.cloudRun.stderr).toMatch(
      /^Local cloud +started, process \d+; it stays until `npx switchyard local stop`$/m,
    );
    expect(ups.cloudRun.stderr).toMatch(/^cloud-run\.local +create gcp:cloudrunv2\/service:Service /m);
  });

  test("for people ends with what was done and how to undo it", () => {
    expect(ups.traffic.code, ups.traffic.stderr).toBe(0);
    const lines = ups.traffic.stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^traffic\.local: up done in [\d.]+ m?s, \d+ resources \(\d+ create\)\.$/);
    expect(lines.at(-1)).toBe("To undo:   npx switchyard destroy traffic.local");
  });
});

describe("what only reads", () => {
  test("says what is up, and nothing on stderr", async () => {
    const [stacks, outputs, traffic, preview] = await Promise.all([
      cli.run(["stacks"]),
      cli.run(["outputs", "traffic.local"]),
      cli.run(["traffic", "show"]),
      cli.run(["preview", "traffic.local"]),
    ]);
    for (const one of [stacks, outputs, traffic, preview]) expect(one).toMatchObject({ code: 0, stderr: "" });
    expect(stacks.stdout).toMatch(/^stack +resources +updated\ncloud-run\.local +6 .*\ntraffic\.local +22 /);
    expect(outputs.stdout).toMatch(/^domain +agent\.local$/m);
    expect(traffic.stdout).toMatch(/^local: http:\/\/127\.0\.0\.1:\d+, host agent\.local\n/);
    expect(traffic.stdout).toMatch(/^cloud-run +100 % /m);
    expect(preview.stdout).toMatch(/preview done in .*\(21 same\)\.$/m);
  });

  test("agent call, health, metrics and info reach the agent, as data too", async () => {
    const [call, health, metrics, info] = await Promise.all([
      cli.result("agent", "call", '{"operation":"echo","value":"hello"}'),
      cli.result("agent", "health"),
      cli.result("agent", "metrics", "--platform", "cloud-run"),
      cli.result("agent", "info"),
    ]);
    expect(call).toMatchObject({ statusCode: 200, platform: "cloud-run", data: { value: "hello" } });
    expect(health).toMatchObject({ status: "healthy", ready: true });
    expect(metrics).toMatchObject({ platform: "cloud-run", platformSpecific: { service: "kiro-agent" } });
    expect(info).toMatchObject({ platform: "cloud-run", operations: ["echo", "digest", "summarize"] });
  });

  test("swap plan says what each step needs, takes and could lose, and what it costs; measured where it can be", async () => {
    const plan = await cli.result("swap", "plan", "--to", "gke", "--ramp", "10,100");
    expect(plan).toMatchObject({
      environment: "local",
      from: "cloud-run",
      to: "gke",
      profile: "demo",
      // Nobody sends requests.
      requestsPerSecond: 0,
      loadFrom: "measured",
      propagationMs: 0,
      propagationFrom: "local cloud",
      steps: [
        { percent: 10, requestsNeeded: 10, probes: 1_000 },
        { percent: 100, requestsNeeded: 10, probes: 2_995 },
      ],
      cost: { currency: "USD", of: "minimum" },
    });
    expect(plan["expectedMs"]).toBeUndefined();
    const given = await cli.result("swap", "plan", "--to", "gke", "--ramp", "10,100", "--rps", "50");
    expect(given).toMatchObject({ requestsPerSecond: 50, loadFrom: "given", steps: [{ expectedMs: 3_000 }, {}] });
    expect(await cli.failure("swap", "status")).toMatchObject({ code: "no-swap" });
  });
});

describe("what is wrong with the command line", () => {
  test.concurrent.each([
    [["up", "clod-run.local"], 6, "unknown-stack", "did you mean cloud-run?"],
    [["outputs", "gke.local"], 6, "stack-not-found", 'no stack "gke.local"'],
    [["swap", "plan", "--to", "gek"], 2, "unknown-platform", "did you mean gke?"],
    [["swap", "start", "--to", "cloud-run"], 2, "swap-already-there", "cloud-run serves environment local already"],
    [["traffic", "show", "--env", "lcoal"], 2, "unknown-environment", "did you mean local?"],
    [["up", "traffic.local", "--platforms", "cloud-run,gkee"], 2, "unknown-platform", "did you mean gke?"],
    [["agent", "info", "--platform", "gke"], 1, "not-deployed", "has no platform gke: cloud-run answered"],
    [["agent", "call", "[1]"], 2, "usage-error", "[1] is not a JSON object"],
    [["destroy", "traffic.local"], 2, "usage-error", "no terminal to ask on"],
    // To the platform that `select` chooses, which serves here.
    [["swap", "start"], 2, "swap-already-there", "cloud-run serves environment local already"],
    [["swap", "strat"], 2, "usage-error", "no command swap strat"],
    [["image", "build", "services/nope"], 2, "image-invalid", "no such file"],
    [["up", "gke.local", "--image", "nope"], 2, "image-invalid", "nope"],
  ])("%j is refused with code %i, %s", async (args, exitCode, code, text) => {
    expect(await cli.failure(...args)).toMatchObject({ code, exitCode, message: expect.stringContaining(text) });
  });

  test("in a setting of a program is told with its name, value and what is allowed", async () => {
    const error = await cli.failure("up", "gke.local", "--image", "nope@sha256:1");
    expect(error).toMatchObject({ code: "invalid-config", exitCode: 2 });
    expect(error.message).toMatch(/switchyard:image is "nope@sha256:1"; allowed: an image name with tag or digest/);
  });

  test("is told to people on stderr, with the code, the way on, and nothing on stdout", async () => {
    const [destroy, typo] = await Promise.all([cli.run(["destroy", "traffic.local"]), cli.run(["swap", "strat"])]);
    expect(destroy).toMatchObject({ code: 2, stdout: "" });
    expect(destroy.stderr).toMatch(
      /^Error: usage-error\nThis would delete all resources of traffic\.local;.*\nTo confirm: +add --yes\n$/,
    );
    expect(typo).toMatchObject({ code: 2, stdout: "" });
    expect(typo.stderr).toContain("Did you mean:          npx switchyard swap start\n");
  });

  test("in switchyard.yaml is told all at once, by every command that needs it", async () => {
    const path = join(cli.root, "switchyard.yaml");
    await writeFile(
      path,
      "environments:\n  local:\n    cloud: local\n    regoin: x\n    swap: {ramp: [5], enabled: 1}\n",
    );
    try {
      const error = await cli.failure("traffic", "show");
      expect(error).toMatchObject({ code: "invalid-config", exitCode: 2 });
      expect(error.data?.["problems"]).toHaveLength(3);
      expect(error.message).toContain("environments.local.regoin: no such setting; did you mean region?");
    } finally {
      await rm(path);
    }
  });
});

test("a restart of the local cloud brings everything back where it was", async () => {
  const before = await cli.result("local", "status");
  expect(before).toMatchObject({ running: true, instances: [{ platform: "cloud-run" }] });
  const stopped = await cli.run(["local", "stop"]);
  expect(stopped.stdout).toMatch(/^The local cloud \(process \d+\) has ended\.$/m);
  expect(await cli.result("local", "status")).toMatchObject({ running: false, listeners: [], instances: [] });

  // Whatever needs it starts it, and says so.
  const info = await cli.run(["agent", "info"]);
  expect(info.code, info.stderr).toBe(0);
  expect(info.stderr).toContain("started, process");
  const after = await cli.result("local", "status");
  expect(after["listeners"]).toEqual(before["listeners"]);
  expect(after["pid"]).not.toBe(before["pid"]);
});

describe.runIf(hasTerminals)("destroy on a terminal asks for the name", () => {
  test.concurrent.each([
    ["Ctrl-C", "\u0003", "Nothing was changed."],
    ["Ctrl-D", "\u0004", "Nothing was changed."],
    ["another name", "traffic\n", '"traffic" is not traffic.local; nothing was changed.'],
  ])("and %s changes nothing", async (_what, keys, text) => {
    const asking = cli.start(["destroy", "traffic.local"], { terminal: true });
    await asking.says("Type traffic.local to go on (or use --yes): ");
    asking.type(keys);
    const ended = await asking.ended;
    expect(ended.code, ended.stdout).toBe(8);
    expect(ended.stdout).toContain("Error: cancelled");
    expect(ended.stdout).toContain(text);
    expect(await cli.result("outputs", "traffic.local")).toMatchObject({ outputs: { domain: "agent.local" } });
  });
});

test("up of observability declares what watches the agent, from switchyard.yaml alone", async () => {
  const { outputs, changes } = await cli.result("up", "observability.local");
  expect(outputs).toMatchObject({ dashboardId: expect.stringMatching(/^projects\/switchyard-local\/dashboards\//) });
  expect(changes).toEqual({ create: 11 });
  expect(await cli.result("destroy", "observability.local", "-y")).toMatchObject({ changes: { delete: 11 } });
});

test("destroy removes a stack's resources, and says how to bring them back", async () => {
  const traffic = await cli.run(["destroy", "traffic.local", "--yes"]);
  expect(traffic.code, traffic.stderr).toBe(0);
  expect(traffic.stdout).toContain("To bring it back:   npx switchyard up traffic.local");
  expect(await cli.result("destroy", "cloud-run.local", "-y")).toMatchObject({ changes: { delete: 5 } });
  expect(await cli.result("local", "status")).toMatchObject({ listeners: [], instances: [] });
  expect(await cli.failure("agent", "info")).toMatchObject({ code: "not-deployed" });
});
