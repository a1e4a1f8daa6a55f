import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { Load } from "../../../automation/cli/demo/load.ts";
import { type CliCheckout, checkout, openCliCheckout, describe as told } from "../../support/cli.ts";

// Two environments on one local cloud, each with its own balancer, load and swap at the same time.

let cli: CliCheckout;
let prometheus: Server;
const loads: Load[] = [];
const where = z.object({ url: z.string(), host: z.string() });

beforeAll(async () => {
  cli = await openCliCheckout();
  prometheus = createServer((_request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ status: "success", data: ["http_requests_total", "http_errors_total", "up"] }));
  });
  await new Promise<void>((resolve) => prometheus.listen(0, "127.0.0.1", resolve));
  const address = prometheus.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  await writeFile(
    join(cli.root, "switchyard.yaml"),
    `environments:
  one:
    cloud: local
    prefix: kiro-one
    domain: one.agent.local
    swap: { profile: demo, ramp: [10, 50, 100] }
  two:
    cloud: local
    prefix: kiro-two
    domain: two.agent.local
    swap: { profile: demo, ramp: [10, 50, 100] }
  measured:
    cloud: local
    prefix: kiro-three
    domain: one.agent.local
    swap:
      profile: demo
      metrics:
        sources: { prometheus: { url: "http://127.0.0.1:${port}" } }
        checks:
          - { name: errors, source: prometheus, query: "http_eror_total{side='{platform}'}" }
`,
  );
  for (const name of ["one", "two"]) {
    await cli.result("up", `cloud-run.${name}`);
    await cli.result("up", `traffic.${name}`);
    const { url, host } = where.parse(await cli.result("traffic", "show", "--env", name));
    loads.push(await Load.start({ root: checkout, url, host, rate: 40, seed: loads.length }));
  }
});
afterAll(async () => {
  for (const load of loads) load.kill();
  prometheus.closeAllConnections();
  prometheus.close();
  await cli.close();
});

test("two environments swap at the same time: a bad image in one is found there, and the other goes through", async () => {
  const bad = join(checkout, "test/fixtures/images/kiro-failing");
  const [one, two] = await Promise.all([
    cli.run(["swap", "start", "--to", "gke", "--env", "one", "--json"]),
    cli.run(["swap", "start", "--to", "gke", "--env", "two", "--image", bad, "--json"]),
  ]);
  expect(one.code, told(one)).toBe(0);
  expect(JSON.parse(one.stdout)).toMatchObject({ result: { environment: "one", state: "completed" } });
  expect(two.code, told(two)).toBe(1);
  expect(JSON.parse(two.stdout)).toMatchObject({
    error: {
      code: "swap-failed",
      data: { swap: { environment: "two", state: "rolled-back", reason: "candidate-errors" } },
    },
  });
  expect(await cli.result("traffic", "show", "--env", "one")).toMatchObject({ weights: { gke: 100 } });
  expect(await cli.result("traffic", "show", "--env", "two")).toMatchObject({ weights: { "cloud-run": 100 } });
  const [first, second] = await Promise.all(loads.map((load) => load.stop()));
  expect(first?.failures).toMatchObject({ swap: 0, agent: {}, crash: {} });
  expect(second?.failures.swap).toBe(0);
  // The bad image did hurt somebody, or nothing was found.
  expect(Object.values(second?.failures.agent ?? {}).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
});

test("a metric that does not exist is told before a swap begins, with the nearest name", async () => {
  await cli.result("up", "cloud-run.measured");
  await cli.result("up", "traffic.measured");
  const error = await cli.failure("swap", "plan", "--to", "gke", "--env", "measured");
  expect(error).toMatchObject({ code: "invalid-config", exitCode: 2 });
  expect(error.message).toContain(
    "environments.measured.swap.metrics.checks.0.query: prometheus has no metric http_eror_total",
  );
  expect(error.message).toContain("http_errors_total");
});
