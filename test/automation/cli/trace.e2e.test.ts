import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliCheckout, openCliCheckout } from "../../support/cli.ts";
import { type CollectedSpan, type OtlpCollector, startCollector } from "../../support/otlp-collector.ts";

// One collector, real processes: the command, the local router, the agent. What one of them does is seen below what asked for it.

const marker = "s3cret-marker-of-this-test";
const userTrace = { id: "d".repeat(32), span: "e".repeat(16) };

let collector: OtlpCollector;
let cli: CliCheckout;
let env: Readonly<Record<string, string>>;
beforeAll(async () => {
  collector = await startCollector();
  cli = await openCliCheckout();
  env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, OTEL_EXPORTER_OTLP_HEADERS: `authorization=${marker}` };
  for (const stack of ["cloud-run.local", "traffic.local"]) {
    const up = await cli.run(["up", stack], { env });
    expect(up.code, up.stderr).toBe(0);
  }
});
afterAll(async () => {
  await cli.close();
  await collector.close();
});

const named = (name: string): readonly CollectedSpan[] => collector.spans.filter((span) => span.name === name);
const of = (service: string, parent: CollectedSpan | undefined): readonly CollectedSpan[] =>
  collector.spans.filter((span) => span.service === service && span.parentSpanId === parent?.spanId);

/** Spans of router and agent come some time after their request. */
async function seen<Found>(what: () => Found): Promise<NonNullable<Found>> {
  await expect.poll(what, { timeout: 10_000 }).toBeTruthy();
  return what() as NonNullable<Found>;
}

describe("one trace", () => {
  test("of an agent call has the command, the router below it, and the agent below that", async () => {
    const call = await cli.run(["agent", "call"], { env });
    expect(call.code, call.stderr).toBe(0);
    expect(call.stderr).not.toContain("Warning");
    const [command] = named("switchyard agent call");
    expect(command).toMatchObject({ service: "switchyard", attributes: { "switchyard.command": "agent call" } });
    expect(command?.parentSpanId).toBeUndefined();
    const router = await seen(() => of("switchyard-router", command)[0]);
    expect(router).toMatchObject({
      traceId: command?.traceId,
      name: "POST kiro-https",
      kind: 2,
      attributes: { "http.response.status_code": "200", "switchyard.side": "cloud-run", "switchyard.outcome": "ok" },
    });
    const agent = await seen(() => of("kiro", router)[0]);
    expect(agent).toMatchObject({ traceId: command?.traceId, name: "POST /process", kind: 2 });
  });

  test("of a swap goes from the command over phases and effects to router and agent, and over to who takes it over", async () => {
    const first = cli.start(["swap", "start", "--to", "gke", "--ramp", "50,100", "--profile", "demo"], { env });
    await expect.poll(() => named("effect accept").length, { timeout: 120_000 }).toBe(1);
    first.kill("SIGINT");
    expect((await first.ended).code).toBe(8);
    const second = await cli.run(["swap", "abort"], { env });
    expect(second.code, second.stderr).toBe(0);

    const [command] = named("switchyard swap start");
    expect(command).toMatchObject({ attributes: { "error.type": "cancelled" }, status: { code: 2 } });
    // Told by the second process, below the command of the first.
    const [root] = of("switchyard", command);
    expect(root).toMatchObject({
      traceId: command?.traceId,
      name: "swap",
      attributes: { "switchyard.swap.end": "aborted", "switchyard.swap.to": "gke" },
    });
    const [taker] = named("switchyard swap abort");
    expect(taker?.links).toEqual([{ traceId: root?.traceId, spanId: root?.spanId }]);
    const phases = of("switchyard", root).map(({ name }) => name);
    expect(phases).toEqual(
      expect.arrayContaining(["phase deploying", "phase attaching", "phase accepting", "phase shifting"]),
    );
    const [accept] = named("effect accept");
    // The acceptance suite: the router saw it below the effect, and the new side's agent below the router.
    const asked = await seen(() =>
      of("switchyard-router", accept).find(({ attributes }) => attributes["switchyard.side"] === "gke"),
    );
    expect(await seen(() => of("kiro", asked)[0])).toMatchObject({ traceId: command?.traceId });
  });
});

test("a user's request is told of only when its own trace is sampled, and what it says reaches the agent as it was", async () => {
  const { url, host } = (await cli.result("traffic", "show")) as { url: string; host: string };
  const { request } = await import("undici");
  const send = async (flags: string): Promise<void> => {
    const traceparent = `00-${userTrace.id}-${userTrace.span}-${flags}`;
    const reply = await request(new URL("/info", url), { headers: { host, traceparent, authorization: marker } });
    await reply.body.dump();
    expect(reply.statusCode).toBe(200);
  };
  await send("00");
  await send("01");
  const mine = () => collector.spans.filter(({ traceId }) => traceId === userTrace.id);
  await expect.poll(() => mine().length, { timeout: 10_000 }).toBe(2);
  // Beside each other below the user's own span, which the router did not replace.
  expect(mine().map(({ service, parentSpanId }) => `${service} ${parentSpanId}`)).toEqual(
    expect.arrayContaining([`switchyard-router ${userTrace.span}`, `kiro ${userTrace.span}`]),
  );
});

test("a collector that is gone is one warning and no failure", async () => {
  const gone = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
  const call = await cli.run(["agent", "call", "--json"], { env: gone });
  expect(call.code, call.stderr).toBe(0);
  expect(JSON.parse(call.stdout)).toMatchObject({
    status: "ok",
    warnings: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:9 did not take the traces/)],
  });
});

test("no credential is in a span, in the state or in the journal, and everything that was told was OTLP", async () => {
  expect(collector.problems).toEqual([]);
  expect(collector.spans.length).toBeGreaterThan(20);
  // The command's own posts carry it, as they should.
  expect(collector.text).not.toContain(marker);
  const folder = join(cli.root, ".switchyard");
  for (const name of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!name.isFile() || name.parentPath.includes("images")) continue;
    const text = await readFile(join(name.parentPath, name.name), "utf8").catch(() => "");
    expect(text.includes(marker), `${name.parentPath}/${name.name}`).toBe(false);
  }
});
