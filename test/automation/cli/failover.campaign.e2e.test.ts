import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Pool } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { type CliCheckout, checkout, openCliCheckout, describe as told } from "../../support/cli.ts";

// A side that fails under load outside a swap, then a swap whose candidate fails while the balancer follows late. In order:
// each goes on where the last ended. Broken means that the agent's work fails and its front lives.

const images = join(checkout, "test", "fixtures", "images");
/** Fails every request. */
const broken = join(images, "kiro-broken");
/** Fails every fifth of an instance, so that it passes its acceptance suite. */
const failing = join(images, "kiro-failing");
const windowS = 6;
const propagationS = 15;

const config = (more: string): string => `
local_cloud: {${more}}
environments:
  local:
    cloud: local
    swap: {profile: demo, fail_back: true, after_rollback: keep}
    failover: {policy: automatic, window: ${windowS}, min_requests: 20, standby_healthy_for: 2, dwell: 60}
`;

interface Answer {
  /** ms since the epoch. */
  readonly at: number;
  readonly status: number;
  readonly side: string;
  readonly instance: string;
}

/** 50 requests a second whatever becomes of them. */
class Users {
  readonly answers: Answer[] = [];
  readonly #pool: Pool;
  readonly #timer: NodeJS.Timeout;

  constructor(url: string, host: string) {
    this.#pool = new Pool(new URL(url).origin, { connections: 50 });
    this.#timer = setInterval(() => void this.#ask(host), 20);
  }

  async #ask(host: string): Promise<void> {
    const at = Date.now();
    const body = JSON.stringify({
      data: { operation: "echo", value: 1 },
      headers: {},
      method: "POST",
      path: "/process",
      query_params: {},
      timestamp: new Date(at).toISOString(),
      request_id: randomUUID(),
    });
    const headers = { host, "content-type": "application/json" };
    try {
      const reply = await this.#pool.request({ path: "/process", method: "POST", headers, body });
      await reply.body.dump();
      const header = (name: string): string => reply.headers[name]?.toString() ?? "";
      const { statusCode: status } = reply;
      this.answers.push({ at, status, side: header("x-switchyard-side"), instance: header("x-kiro-instance") });
    } catch (error) {
      this.answers.push({ at, status: 0, side: "", instance: String(error) });
    }
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#pool.destroy();
  }
}

let cli: CliCheckout;
let users: Users | undefined;
beforeAll(async () => {
  cli = await openCliCheckout();
  await writeFile(join(cli.root, "switchyard.yaml"), config(""));
  await cli.result("up", "cloud-run.local");
  await cli.result("up", "gke.local");
  await cli.result("up", "traffic.local", "--platforms", "cloud-run,gke");
  const { url, host } = z.object({ url: z.string(), host: z.string() }).parse(await cli.result("traffic", "show"));
  users = new Users(url, host);
});
afterAll(async () => {
  await users?.end();
  await cli.close();
});

const failed = (since: number, until = Number.POSITIVE_INFINITY): readonly Answer[] =>
  (users?.answers ?? []).filter(({ at, status }) => at >= since && at < until && status !== 200);

const weights = async () => (await cli.result("traffic", "show"))["weights"];

test("a watch leaves a side that serves alone, and says so", async () => {
  const result = await cli.result("failover", "watch", "--once");
  expect(result).toMatchObject({
    environment: "local",
    policy: "automatic",
    moves: 0,
    last: { kind: "nothing", reason: "serving-well", from: "cloud-run" },
  });
  expect(await weights()).toEqual({ "cloud-run": 100, gke: 0 });
});

test("nobody fails over to a platform that serves already, or to one that does not exist", async () => {
  expect(await cli.failure("failover", "run", "--to", "cloud-run")).toMatchObject({ code: "swap-already-there" });
  expect(await cli.failure("failover", "run", "--to", "moon")).toMatchObject({ code: "unknown-platform" });
});

test("when the serving side breaks, its traffic is on the standby within the window and seconds, and both stay", async () => {
  const watch = cli.start(["failover", "watch"]);
  await watch.says(/serves: the serving side does not fail/, 60_000);
  const up = await cli.run(["up", "cloud-run.local", "--image", broken]);
  expect(up.code, told(up)).toBe(0);
  await watch.says(/moving the traffic to gke/, 60_000);
  await watch.says(/gke serves: /, 60_000);
  watch.kill("SIGINT");
  const ended = await watch.ended;
  expect(ended.code, told(ended)).toBe(0);
  expect(ended.stdout).toContain("1 moves.");

  const [first] = failed(0);
  const last = failed(0).at(-1);
  if (first === undefined || last === undefined) throw new Error("the broken side failed no request");
  // Two sides of the window's slices, the acceptance suite, the write and its verification.
  expect(last.at - first.at).toBeGreaterThan(windowS * 900);
  expect(last.at - first.at).toBeLessThan((windowS + 15) * 1_000);
  expect(new Set(failed(0).map(({ side }) => side))).toEqual(new Set(["cloud-run"]));
  expect(await weights()).toEqual({ "cloud-run": 0, gke: 100 });
  expect(await cli.result("swap", "status")).toMatchObject({ from: "cloud-run", to: "gke" });
  expect(JSON.stringify(await cli.result("agent", "health", "--platform", "cloud-run"))).toContain('"ready":true');
});

test("a person brings the traffic back when the side is repaired, whatever dwell says", async () => {
  const repaired = await cli.run(["up", "cloud-run.local"]);
  expect(repaired.code, told(repaired)).toBe(0);
  const result = await cli.run(["failover", "run", "--to", "cloud-run"]);
  expect(result.code, told(result)).toBe(0);
  expect(result.stdout).toContain("To undo:   npx switchyard failover run --to gke --env local");
  expect(await weights()).toEqual({ "cloud-run": 100, gke: 0 });
});

test("in a swap whose candidate fails, the lever stops the harm seconds before the balancer follows", async () => {
  await writeFile(join(cli.root, "switchyard.yaml"), config(`propagation_delay: ${propagationS}`));
  const begun = Date.now();
  const swap = await cli.run(["swap", "start", "--to", "gke", "--image", failing, "--ramp", "50,100"]);
  expect(swap.code, told(swap)).toBe(1);
  expect(swap.stderr).toContain("swap-failed");
  const why = await cli.run(["swap", "why"]);
  const harm = failed(begun);
  const [first] = harm;
  const last = harm.at(-1);
  if (first === undefined || last === undefined) throw new Error(`the candidate failed no request: ${told(why)}`);
  expect(harm.every(({ side }) => side === "gke")).toBe(true);
  // Detection takes a moment, the lever at most a second; the balancer alone would have taken all of its delay.
  expect(last.at - first.at).toBeLessThan((propagationS - 5) * 1_000);
  const handedBack = (users?.answers ?? []).filter(
    ({ at, side, instance }) => at > last.at && side === "gke" && instance.startsWith("cloud-run/"),
  );
  expect(handedBack.length).toBeGreaterThan(50);
  expect(handedBack.every(({ status }) => status === 200)).toBe(true);
});
