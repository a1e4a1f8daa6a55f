import { lstat, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliCheckout, type CliResult, openCliCheckout } from "../../support/cli.ts";

// A secret of its own in every place that a credential can come from; then commands that write state, journal, audit log, instance
// logs and errors. None of it may be anywhere afterwards but where it was put.

const marker = (place: string): string => `marker${place}7f3a9c51d2`;
const markers = {
  secretManager: marker("secretmanager"),
  google: marker("google"),
  aws: marker("aws"),
  prometheus: marker("prometheus"),
  datadog: marker("datadog"),
  webhook: marker("webhook"),
} as const;

const secretEnv = () => ({
  GOOGLE_OAUTH_ACCESS_TOKEN: markers.google,
  AWS_ACCESS_KEY_ID: markers.aws,
  AWS_SECRET_ACCESS_KEY: markers.aws,
  PROMETHEUS_TOKEN: markers.prometheus,
  DD_API_KEY: markers.datadog,
  DD_APP_KEY: markers.datadog,
  SLACK_WEBHOOK_URL: `http://127.0.0.1:${metrics.port}/${markers.webhook}`,
});

/** Stands in for a metrics server and for a webhook that repeat what they were sent, in an error. */
async function repeatingServer(): Promise<{ server: Server; port: number; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers.authorization ?? request.url ?? "");
    response.writeHead(500, { "content-type": "text/plain" });
    response.end(`refused ${request.headers.authorization} at ${request.url}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port, seen };
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

const configPath = () => join(cli.root, "switchyard.yaml");

const config = (secret: string): string => {
  const check = `{name: errors, source: prometheus, query: 'errors{platform="{platform}"}'}`;
  const sources = `{prometheus: {url: 'http://127.0.0.1:${metrics.port}', token_variable: PROMETHEUS_TOKEN}}`;
  const judged = `{sources: ${sources}, checks: [${check}], interval: 1, step: 1, consecutive_error_limit: 0}`;
  return [
    "environments:",
    "  local:",
    "    cloud: local",
    `    swap: {profile: demo, ramp: [50, 100], metrics: ${judged}}`,
    "    alerts: {targets: [{kind: slack, name: team, url_from: SLACK_WEBHOOK_URL}]}",
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
  await writeFile(configPath(), config(reference));
});
afterAll(async () => {
  metrics.server.close();
  await cli.close();
});

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
    if (path !== secretsFile() && has(await readFile(path, "latin1"))) inFiles.push(path);
  }
  const inOutput = said.filter(({ stdout, stderr }) => has(stdout) || has(stderr)).map(({ args }) => args.join(" "));
  return [...inFiles, ...inOutput];
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
    expect(metrics.seen, swap.stdout).toContain(`Bearer ${markers.prometheus}`);
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

  test("of the local cloud's own are where they belong alone", async () => {
    const tokenPath = join(cli.root, ".switchyard", "local", "token");
    const token = (await readFile(tokenPath, "utf8")).trim();
    expect((await leaks([token])).filter((path) => path !== tokenPath)).toEqual([]);
  });

  test("would be found, had one got out", async () => {
    const path = join(cli.root, ".switchyard", "environments", "local", "note.json");
    await writeFile(path, JSON.stringify({ text: `Bearer ${markers.google}` }));
    expect(await leaks(Object.values(markers))).toEqual([path]);
    await writeFile(path, Buffer.from(`x${markers.google}`).toString("base64"));
    await rm(path);
    expect(await leaks(Object.values(markers))).toEqual([]);
  });
});
