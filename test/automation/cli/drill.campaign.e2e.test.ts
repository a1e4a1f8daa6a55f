import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { until } from "../../local/daemon/daemon-process.ts";
import { type CliCheckout, openCliCheckout, parseEnvelope, processesOf, describe as told } from "../../support/cli.ts";
import { problemsOfHtml } from "../../support/html.ts";

// Drills in one checkout, in order: those that are broken off come first, so that the later ones find what they left.

let cli: CliCheckout;
beforeAll(async () => {
  cli = await openCliCheckout();
});
afterAll(() => cli.close());

const row = z.object({ ok: z.literal(true), problems: z.tuple([]) });
const campaign = <Row extends z.ZodType>(rows: Row) =>
  z.strictObject({
    name: z.string(),
    seed: z.literal(1),
    rows: z.array(rows),
    ok: z.literal(true),
    tookMs: z.number(),
  });
const faultRow = row.extend({
  name: z.string(),
  ended: z.string(),
  reason: z.string(),
  detectedInMs: z.number(),
  verifiedInMs: z.number(),
  requests: z.number(),
  hurt: z.number(),
  swapCaused: z.literal(0),
  alerts: z.array(z.string()),
  missedAlerts: z.tuple([]),
  expectedAlerts: z.number(),
});
const equalRow = row.extend({
  swaps: z.number(),
  requests: z.number(),
  falseRollbacks: z.number(),
  miscounted: z.literal(0),
  falseAlerts: z.number(),
});
const crashRow = row.extend({
  kind: z.string(),
  points: z.number(),
  crashes: z.number(),
  divergences: z.literal(0),
  twice: z.literal(0),
});
const drill = z.strictObject({
  startedAt: z.string(),
  seed: z.literal(1),
  problems: z.tuple([]),
  report: z.string(),
  alerts: z
    .strictObject({
      expected: z.number(),
      missed: z.literal(0),
      falseNegativeRate: z.literal(0).optional(),
      swaps: z.number(),
      falseAlerts: z.number(),
      falsePositiveRate: z.number().max(0.05).optional(),
    })
    .optional(),
  faults: campaign(faultRow).optional(),
  crashes: campaign(crashRow).optional(),
  falseAlarms: campaign(equalRow).optional(),
  kills: z
    .strictObject({
      kills: z.array(z.object({ at: z.string(), resumedInMs: z.number().max(20_000).optional() })),
      swaps: z.array(z.strictObject({ to: z.string(), end: z.literal("completed"), lines: z.number() })),
      slowestResumeMs: z.number(),
      requests: z.strictObject({ sent: z.number(), failed: z.literal(0), swapCaused: z.literal(0) }),
      twice: z.tuple([]),
      missed: z.array(z.string()),
      problems: z.tuple([]),
      tookMs: z.number(),
    })
    .optional(),
  roundTrips: z
    .strictObject({
      swaps: z.array(z.object({ end: z.literal("completed"), sent: z.number(), swapCaused: z.literal(0) })),
      requests: z.object({
        sent: z.number(),
        failed: z.literal(0),
        swapCaused: z.literal(0),
        long: z.strictObject({ sent: z.number(), failed: z.literal(0) }),
        swapCausedBound: z.number(),
      }),
      counts: z.array(z.strictObject({ side: z.string(), router: z.number(), load: z.number() })),
      problems: z.tuple([]),
      tookMs: z.number(),
    })
    .optional(),
});

/** One document on stdout, the tables on stderr, nothing that runs, nothing left but the report. */
async function drilled(...flags: string[]): Promise<{ result: z.infer<typeof drill>; text: string; page: string }> {
  const ended = await cli.run(["swap", "drill", ...flags, "--json"]);
  const said = parseEnvelope(ended.stdout);
  if (said.status !== "ok") throw new Error(told(ended));
  expect(ended.code).toBe(0);
  const result = drill.parse(said.result);
  await allGone();
  const page = await readFile(join(cli.root, result.report), "utf8");
  expect(problemsOfHtml(page)).toEqual([]);
  expect(page).not.toMatch(/<(script|link|iframe|img)\b|<[^>]*\s(src|href)=/i);
  return { result, text: ended.stderr, page };
}

/** Nothing runs any more. Errors: what still does. */
async function allGone(): Promise<void> {
  if (process.platform !== "linux") return;
  let running: readonly string[] = [];
  const gone = async () => {
    running = await processesOf(cli.root);
    return running.length === 0;
  };
  await until("everything of the drill is gone", gone, 20_000).catch((error: unknown) => {
    throw new Error(`still running:\n${running.join("\n")}`, { cause: error });
  });
}

/** Of .switchyard; reports and nothing else: what a drill swaps with is its own. */
const leftBehind = async (): Promise<readonly string[]> => (await readdir(join(cli.root, ".switchyard"))).toSorted();

/** A drill whose second process drives a swap: the first one was killed. */
async function inTheMiddle() {
  const running = cli.start(["swap", "drill", "--kills", "20", "--json"]);
  await running.says(/^Killed +at /m, 120_000);
  await until("another process goes on", async () =>
    (await processesOf(cli.root)).some((name) => name.includes("swap resume")),
  );
  return running;
}

describe("a drill that is told nonsense", () => {
  test.each([
    [["--faults", "candidate-ded"], /There is no fault "candidate-ded"; did you mean candidate-dead\?/],
    [["--kills", "some"], /--kills some is neither all nor a number/],
    [["--round-trips", "0"], /shows nothing/],
  ])("%j is refused before anything begins", async (flags, message) => {
    expect(await cli.failure("swap", "drill", ...flags)).toMatchObject({
      code: "usage-error",
      message: expect.stringMatching(message),
    });
  });
});

describe.runIf(process.platform === "linux")("a drill that does not come to its end", () => {
  test("killed, takes its processes with it; what it left is cleared away by the next one", async () => {
    const killed = await inTheMiddle();
    killed.kill("SIGKILL");
    expect(await killed.ended).toMatchObject({ signal: "SIGKILL" });
    await allGone();
    expect(await readdir(join(cli.root, ".switchyard", "drill"))).toHaveLength(2);
  }, 240_000);

  test("Ctrl-C ends it: exit code 8, nothing runs, nothing is left, of the one before neither", async () => {
    const running = await inTheMiddle();
    expect(await readdir(join(cli.root, ".switchyard", "drill"))).toHaveLength(2);
    running.kill("SIGINT");
    const ended = await running.ended;
    expect(ended.code, told(ended)).toBe(8);
    expect(parseEnvelope(ended.stdout)).toMatchObject({ status: "error", error: { code: "cancelled" } });
    await allGone();
    expect(await leftBehind()).toEqual([]);
  }, 240_000);

  test("Ctrl-C twice ends it at once, and its processes end by themselves", async () => {
    const running = await inTheMiddle();
    running.kill("SIGINT");
    await running.says("stopping safely");
    running.kill("SIGINT");
    expect((await running.ended).code).toBe(8);
    await allGone();
  }, 240_000);
});

test("a fault and swaps of equal sides: a table for people, the same numbers as data and in the report", async () => {
  const { result, text, page } = await drilled("--faults", "candidate-dead", "--aa", "20");
  const [fault, ...others] = result.faults?.rows ?? [];
  expect(others).toEqual([]);
  expect(fault).toMatchObject({ name: "candidate-dead", ended: "rolled-back" });
  expect(result.falseAlarms?.rows.map(({ swaps }) => swaps)).toEqual([20, 20, 2]);
  expect(result.kills ?? result.roundTrips ?? result.crashes).toBeUndefined();
  const hurt = fault?.hurt ?? -1;
  expect(hurt).toBeGreaterThan(0);
  expect(text).toMatch(new RegExp(`^candidate-dead .* ${hurt} +0 .*rolled-back +holds$`, "m"));
  expect(page).toContain("<td>candidate-dead</td>");
  expect(result.alerts).toMatchObject({ expected: 1, missed: 0, swaps: 42 });
  expect(text).toContain("Alerts: 1 expected, 0 missed (false negatives 0.00 %).");
  expect(await leftBehind()).toEqual(["reports"]);
  // The same seed, the same drill.
  const again = await drilled("--faults", "candidate-dead");
  expect(again.result.faults?.rows).toEqual(result.faults?.rows);
});

test("a campaign that cannot be carried out is a finding: exit code 1, with what the others found", async () => {
  const bare = await openCliCheckout(["tools"]);
  try {
    const error = await bare.failure("swap", "drill", "--faults", "candidate-dead", "--round-trips", "1");
    expect(error).toMatchObject({ code: "drill-failed", exitCode: 1 });
    expect(error.message).toContain("round trips: not carried out, internal-error: The load generator ended early");
    const data = z.object({ faults: campaign(faultRow), problems: z.array(z.string()), report: z.string() });
    const { problems, report } = data.parse(error.data);
    expect(problems).toHaveLength(1);
    expect(await readFile(join(bare.root, report), "utf8")).toContain("The drill found 1 problem");
  } finally {
    await bare.close();
  }
}, 120_000);
