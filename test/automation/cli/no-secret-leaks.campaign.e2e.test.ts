import { lstat, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliCheckout, type CliResult, openCliCheckout, describe as told } from "../../support/cli.ts";

// A secret of its own in every place that a credential can come from; then commands that write state, journal, audit log, instance
// logs and errors. None of it may be anywhere afterwards but where it was put.

const marker = (place: string): string => `marker${place}7f3a9c51d2`;
const markers = {
  secretManager: marker("secretmanager"),
  google: marker("google"),
  aws: marker("aws"),
  prometheus: marker("prometheus"),
  datadog: marker("datadog"),
  slack: marker("slack"),
  webhook: marker("webhook"),
  signing: marker("signing"),
  pagerDuty: marker("pagerduty"),
  traces: marker("traces"),
} as const;

const secretEnv = () => ({
  GOOGLE_OAUTH_ACCESS_TOKEN: markers.google,
  AWS_ACCESS_KEY_ID: markers.aws,
  AWS_SECRET_ACCESS_KEY: markers.aws,
  PROMETHEUS_TOKEN: markers.prometheus,
  DD_API_KEY: markers.datadog,
  DD_APP_KEY: markers.datadog,
  SLACK_WEBHOOK_URL: `http://127.0.0.1:${metrics.port}/services/${markers.slack}`,
  WEBHOOK_URL: `http://127.0.0.1:${metrics.port}/hook?key=${markers.webhook}`,
  PAGERDUTY_KEY: markers.pagerDuty,
  PAGERDUTY_EVENTS_URL: `http://127.0.0.1:${metrics.port}/pagerduty`,
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${metrics.port}`,
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${markers.traces}`,
});

/** Stands in for a metrics server, for alert targets and for a collector, and repeats what it was sent, in an error. */
async function repeatingServer() {
  const seen: string[] = [];
  const traces: string[] = [];
  let hasNames = false;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const traced = request.url?.endsWith("/v1/traces") === true;
    if (traced) traces.push(body);
    const said = `${request.headers.authorization} for ${request.url} with ${JSON.stringify(request.headers)}${traced ? "" : ` ${body}`}`;
    seen.push(said);
    const named = hasNames && request.url?.includes("/label/__name__/values") === true;
    response.writeHead(named ? 200 : 403, { "content-type": "application/json" });
    response.end(JSON.stringify(named ? { status: "success", data: ["errors"] } : { status: "error", error: said }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    seen,
    /** Bodies of what was sent as traces. */
    traces,
    /** From now on it says which metrics it has, so that a swap can begin. */
    listNames() {
      hasNames = true;
    },
  };
}

let cli: CliCheckout;
let metrics: Awaited<ReturnType<typeof repeatingServer>>;
const said: CliResult[] = [];
const run = async (...args: string[]): Promise<CliResult> => {
  const ended = await cli.run([...args, "--debug"], { env: secretEnv() });
  said.push(ended);
  return ended;
};

const reference = "projects/switchyard-local/secrets/agent-key/versions/1";
const secretsFile = () => join(cli.root, ".switchyard", "local", "secrets");

const signingKey = "webhook-key";
const signingKeyFile = () => join(cli.root, signingKey);
const configPath = () => join(cli.root, "switchyard.yaml");

const config = (secret: string): string => {
  const check = `{name: errors, source: prometheus, query: 'errors{platform="{platform}"}'}`;
  const sources = `{prometheus: {url: 'http://127.0.0.1:${metrics.port}', token_variable: PROMETHEUS_TOKEN}}`;
  const judged = `{sources: ${sources}, checks: [${check}], interval: 2, step: 1, consecutive_error_limit: 0, inconclusive_limit: 9}`;
  const targets = [
    "{kind: slack, name: team, url_from: SLACK_WEBHOOK_URL}",
    `{kind: webhook, name: log, url_from: WEBHOOK_URL, secret_from: 'file:${signingKey}'}`,
    "{kind: pagerduty, name: duty, routing_key_from: PAGERDUTY_KEY}",
  ];
  return [
    "environments:",
    "  local:",
    "    cloud: local",
    `    swap: {profile: demo, ramp: [50, 100], bake: 1, drain_timeout: 2, gates: {on_silence: top-up}, metrics: ${judged}}`,
    `    alerts: {targets: [${targets.join(", ")}]}`,
    "  sealed:",
    "    cloud: local",
    "    prefix: sealed",
    `    secrets: {AGENT_KEY: ${secret}}`,
    "",
  ].join("\n");
};

beforeAll(async () => {
  cli = await openCliCheckout();
  metrics = await repeatingServer();
  await writeFile(signingKeyFile(), markers.signing, { mode: 0o600 });
  await writeFile(configPath(), config(reference));
});
afterAll(async () => {
  metrics.server.close();
  await cli.close();
});

/** What tells of the past. */
const reading = [
  "swap why",
  "swap history --json",
  "swap status",
  "metrics --prometheus",
  "audit show",
  "alert list --all",
  "alert retry",
  "cost --observe 1s",
  "health",
  "swap drill --faults candidate-dead",
];

/** Every file of the checkout that is its own, and of its home; not the sources, which are links. */
async function filesBelow(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const entry = await lstat(path);
    if (entry.isDirectory()) found.push(...(await filesBelow(path)));
    else if (entry.isFile()) found.push(path);
  }
  return found;
}

/** Where one of the texts is, plain or encoded. */
async function leaks(texts: readonly string[]): Promise<readonly string[]> {
  const forms = texts.flatMap((text) => [text, Buffer.from(text).toString("base64").replaceAll("=", "").slice(0, -2)]);
  const has = (content: string): boolean => forms.some((form) => content.includes(form));
  const inFiles: string[] = [];
  for (const path of await filesBelow(cli.root)) {
    if (path !== secretsFile() && path !== signingKeyFile() && has(await readFile(path, "latin1"))) inFiles.push(path);
  }
  const inOutput = said.filter(({ stdout, stderr }) => has(stdout) || has(stderr)).map(({ args }) => args.join(" "));
  const inTraces = metrics.traces.filter(has).map(() => "a trace");
  return [...inFiles, ...inOutput, ...inTraces];
}

/** Whether a process of this checkout's local cloud has it in its environment. Linux only. */
async function agentsWith(variable: string): Promise<number> {
  let found = 0;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
    if (environment.includes(`K_SERVICE=sealed-agent\0`) && environment.split("\0").includes(variable)) found += 1;
  }
  return found;
}

describe("secrets", () => {
  test("reach the agent by name, and what goes wrong on the way is told without them", async () => {
    await mkdir(dirname(secretsFile()), { recursive: true });
    await writeFile(secretsFile(), `projects/switchyard-local/secrets/agent-key=${markers.secretManager}\n`, {
      mode: 0o600,
    });
    const up = await run("up", "cloud-run.sealed", "--json");
    expect(up.code, up.stdout).toBe(0);
    expect(await agentsWith(`AGENT_KEY=${markers.secretManager}`)).toBeGreaterThan(0);

    await writeFile(configPath(), config("projects/switchyard-local/secrets/none/versions/2"));
    const without = await run("up", "cloud-run.sealed", "--json");
    expect(without.code).not.toBe(0);
    expect(without.stdout).toContain("Secret projects/switchyard-local/secrets/none/versions/2 was not found");

    await writeFile(configPath(), config(markers.secretManager));
    const literal = await run("up", "cloud-run.sealed", "--json");
    expect(literal.code, literal.stdout).toBe(2);
    await writeFile(configPath(), config(reference));
  });

  test("are in no state, journal, log, audit line or message after a swap that a server's errors kept from starting", async () => {
    expect((await run("up", "cloud-run.local", "--json")).code).toBe(0);
    expect((await run("up", "traffic.local", "--json")).code).toBe(0);
    const swap = await run("swap", "start", "--to", "gke", "--json");
    expect(metrics.seen.join(), swap.stdout).toContain(`Bearer ${markers.prometheus}`);
    await run("swap", "status", "--json");
    await run("swap", "why");
    await run("up", "cloud-run.local", "--image", "no/such/folder");
    await run("audit", "show", "--json");
    await run("outputs", "cloud-run.sealed");

    const audit = await run("audit", "verify", "--json");
    expect(audit.code, audit.stdout).toBe(0);
    expect(audit.stdout).toContain("audit/1/log");
    expect(await leaks(Object.values(markers))).toEqual([]);
  });

  test("nor after a swap whose metrics, alert targets and traces are refused by a server that repeats all it was sent", async () => {
    metrics.listNames();
    const swap = cli.start(["swap", "start", "--to", "gke", "--debug"], { env: secretEnv() });
    await swap.says("a metric from outside cannot be read", 120_000);
    await run("swap", "abort");
    const ended = await swap.ended;
    said.push(ended);
    expect((await run("swap", "status", "--json")).stdout, told(ended)).toContain('"aborted"');

    const refused = await run("alert", "test", "--json");
    expect(refused.stdout).toContain("alert-target-failed");
    for (const command of reading) said.push(await cli.run([...command.split(" "), "--debug"], { env: secretEnv() }));
    const sent = metrics.seen.join();
    for (const place of ["prometheus", "slack", "webhook", "pagerDuty", "traces"] as const)
      expect(sent, place).toContain(markers[place]);
    expect(await readdir(join(cli.root, ".switchyard", "reports"))).toEqual([expect.stringMatching(/\.html$/)]);
    // The errors that repeat them were kept: in the journal, and in the book of alerts.
    const kept = await Promise.all(
      (await filesBelow(join(cli.root, ".switchyard"))).map((path) => readFile(path, "latin1")),
    );
    const repeated = kept.filter((text) => text.includes("[secret]"));
    expect(repeated.some((text) => text.includes("metric-unreadable"))).toBe(true);
    expect(repeated.some((text) => text.includes("it answered 403"))).toBe(true);
    expect(await leaks(Object.values(markers))).toEqual([]);
  });

  test("of the local cloud's own are where they belong alone", async () => {
    const tokenPath = join(cli.root, ".switchyard", "local", "token");
    const token = (await readFile(tokenPath, "utf8")).trim();
    expect((await leaks([token])).filter((path) => path !== tokenPath)).toEqual([]);
  });

  test("would be found, had one got out", async () => {
    const path = join(cli.root, ".switchyard", "environments", "local", "note.json");
    await writeFile(path, JSON.stringify({ text: `Bearer ${markers.google}` }));
    expect(await leaks(Object.values(markers))).toEqual([path]);
    await writeFile(path, Buffer.from(markers.google).toString("base64"));
    expect(await leaks(Object.values(markers))).toEqual([path]);
    await rm(path);
    metrics.traces.push(JSON.stringify({ text: markers.traces }));
    said.push({ args: ["planted"], code: 0, signal: undefined, stdout: "", stderr: `it is ${markers.slack}`, ms: 0 });
    expect(await leaks(Object.values(markers))).toEqual(["planted", "a trace"]);
    metrics.traces.pop();
    said.pop();
    expect(await leaks(Object.values(markers))).toEqual([]);
  });
});
