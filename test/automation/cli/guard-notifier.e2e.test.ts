import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { parseEnvelope } from "../../support/cli.ts";
import { type GuardWorld, openGuardWorld } from "../../support/guard/guard-world.ts";

// Modules of a team are told of an upgrade and of a swap's environment, by real processes; those that fail or hang hold nothing up. In order.

const token = "a-t0ken-that-nobody-may-see";
/** Appends what it is told to a file. */
const board = `
import { appendFileSync } from "node:fs";
export class Board {
  constructor(options) {
    this.path = options.path;
  }
  async notify({ kind, alert }) {
    appendFileSync(this.path, JSON.stringify({ kind, ...alert }) + "\\n");
  }
}
export const failing = async () => {
  throw new Error("the board refused " + process.env.BOARD_TOKEN);
};
export const hanging = () => new Promise(() => {});
`;

let world: GuardWorld;
let heardAt: string;
beforeAll(async () => {
  world = await openGuardWorld({ told: ["t-1"] }, { BOARD_TOKEN: token });
  heardAt = join(world.root, "heard.jsonl");
  const module = { kind: "module", module: "./board.ts", severities: ["info", "warning", "critical"] };
  const targets = [
    { ...module, name: "board", class: "Board", options: { path: heardAt } },
    { ...module, name: "failing", export: "failing" },
    { ...module, name: "hanging", export: "hanging" },
  ];
  const path = join(world.root, "switchyard.yaml");
  const settings = z.looseObject({ guard: z.looseObject({}) }).parse(JSON.parse(await readFile(path, "utf8")));
  await writeFile(join(world.root, "board.ts"), board);
  await writeFile(
    path,
    JSON.stringify({
      guard: {
        ...settings.guard,
        notifications: { targets: [...targets, { ...module, name: "lost", module: "./lost.ts" }] },
      },
      environments: { local: { cloud: "local", alerts: { targets: targets.slice(0, 2) } } },
    }),
  );
  await world.result("registry", "import", join(world.root, "clusters.yaml"));
});
afterAll(() => world.close());

const heard = async (): Promise<readonly unknown[]> =>
  (await readFile(heardAt, "utf8").catch(() => ""))
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));

test("validate says which can be loaded, and tells nobody anything", async () => {
  const { message } = await world.failure("validate", "--batch", "told");
  expect(message).toMatch(/works +notifier board: module board can be told; nothing was sent/);
  expect(message).toMatch(/FAILS +notifier lost: module-unusable: .*lost\.ts#default: there is no file/);
  expect(message).toMatch(/works +t-1 kubernetes/);
  expect(await heard()).toEqual([]);
});

test("a run and its monitor call them for what happened, and are held up by none", async () => {
  expect(await world.result("run", "--batch", "told", "--target-version", "1.31.1")).toMatchObject({
    clusters: [{ cluster: "t-1", state: "mr_created" }],
  });
  // Where time runs 180 times as fast a command ends before everybody was told: what waits, the next one brings.
  const monitor = world.start("monitor", "--batch", "told");
  await vi.waitUntil(async () => (await heard()).length > 0, { timeout: 60_000 });
  monitor.kill("SIGINT");
  await monitor.ended;
  expect((await heard())[0]).toMatchObject({
    kind: "raise",
    code: "mr_created",
    platform: "t-1",
    environment: "guard",
  });
  const warnings = await untilWarned();
  expect(warnings).toMatch(/alert target failing did not take .*failing: the board refused \[secret\]/);
  expect(warnings).toMatch(/alert target hanging did not take .*no answer/);
  expect(warnings).toMatch(/alert target lost did not take .*there is no file/);
  expect(warnings).not.toContain(token);
});

/** Each of them was tried by then. */
async function untilWarned(): Promise<string> {
  for (const late = Date.now() + 60_000; ; ) {
    const ended = await world.run("monitor", "--batch", "told", "--once", "--json");
    const warnings = parseEnvelope(ended.stdout).warnings.join("\n");
    const named = ["failing", "hanging", "lost"].every((name) => warnings.includes(`alert target ${name} `));
    if (named || Date.now() > late) return warnings;
  }
}

test("an environment's alerts reach them too", async () => {
  const ended = await world.command("alert", "test", "--json");
  expect(`${ended.stdout}${ended.stderr}`).not.toContain(token);
  expect(parseEnvelope(ended.stdout)).toMatchObject({
    status: "error",
    error: {
      code: "alert-target-failed",
      data: {
        targets: [
          { name: "board", delivered: true },
          { name: "failing", delivered: false, why: expect.stringContaining("the board refused [secret]") },
        ],
      },
    },
  });
  expect((await heard()).at(-1)).toMatchObject({ code: "alert-test", environment: "local" });
});
