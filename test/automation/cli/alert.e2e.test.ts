import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { nodeFileSystem } from "../../../automation/adapters/node-file-system.ts";
import { operatingSystemProcesses } from "../../../automation/adapters/operating-system-processes.ts";
import { createFileStateStore } from "../../../automation/adapters/state-files.ts";
import { systemClock } from "../../../automation/adapters/system-clock.ts";
import { hotSwapConfig, platformConfig, toSwapSettings } from "../../../automation/swap/settings.ts";
import { journalFormat } from "../../../automation/swap/state.ts";
import { SwapStore, swapPurpose } from "../../../automation/swap/store.ts";
import { type CliCheckout, openCliCheckout, parseEnvelope } from "../../support/cli.ts";
import { type NotifierServer, serveWebhook } from "../../support/notifier-servers.ts";

// A swap that nobody can drive any more, and a receiver that is down when people are to be told of it. In order.

const key = "a-signing-key-that-nobody-may-see";
const config = `
environments:
  local:
    cloud: local
    alerts:
      targets: [{name: log, kind: webhook, url_from: ALERT_URL, secret_from: "file:alert-key"}]
`;

let cli: CliCheckout;
let port: number;
let server: NotifierServer;

beforeAll(async () => {
  cli = await openCliCheckout();
  await writeFile(join(cli.root, "switchyard.yaml"), config);
  await writeFile(join(cli.root, "alert-key"), key, { mode: 0o600 });
  const first = await serveWebhook();
  port = Number(new URL(first.url).port);
  await first.close();
  await interruptedSwap(join(cli.root, ".switchyard", "environments", "local"));
}, 60_000);

afterAll(async () => {
  await server?.close();
  await cli.close();
});

/** The journal of a swap whose process is gone. */
async function interruptedSwap(folder: string): Promise<void> {
  const swaps = new SwapStore({
    store: createFileStateStore({ files: nodeFileSystem, folder }),
    processes: operatingSystemProcesses,
    clock: systemClock,
    environment: "local",
  });
  const lease = await swaps.claim(swapPurpose("1"));
  const journal = await swaps.journal("1", lease.token);
  await journal.append({
    kind: "started",
    format: journalFormat,
    at: systemClock.now(),
    id: "1",
    mode: "swap",
    environment: "local",
    from: "cloud-run",
    to: "gke",
    image: "kiro@sha256:1",
    settings: toSwapSettings(hotSwapConfig.parse({}), platformConfig.parse({})),
    by: "ada",
  });
  await lease.release();
}

const env = () => ({ env: { ALERT_URL: `http://127.0.0.1:${port}/hook` } });
const run = async (...args: string[]) => {
  const ended = await cli.run([...args, "--json"], env());
  expect(`${ended.stdout}${ended.stderr}`).not.toContain(key);
  return parseEnvelope(ended.stdout);
};
const list = z.object({
  alerts: z.array(z.object({ id: z.string(), code: z.string(), state: z.string(), waiting: z.array(z.string()) })),
  silences: z.array(z.object({ id: z.string(), why: z.string() })),
  targets: z.array(z.object({ name: z.string(), state: z.string(), waiting: z.number() })),
});
const listed = async (...args: string[]) => {
  const said = await run("alert", "list", ...args);
  return list.parse(said.status === "ok" ? said.result : said);
};

test("a target that is down: the alert is kept, the command says so and is not held up", async () => {
  const said = await run("swap", "resume");
  // There is no balancer in this environment, so nobody can drive the swap.
  expect(said).toMatchObject({ status: "error", error: { code: "not-deployed" } });
  expect(said.warnings.join()).toMatch(
    /^alert target log did not take what it is to be told: .*ECONNREFUSED.* 1 notice kept, .*npx switchyard alert retry --env local$/,
  );
  expect(await listed()).toMatchObject({
    alerts: [{ code: "not-deployed", state: "open", waiting: ["log"] }],
    targets: [{ name: "log", state: "down", waiting: 1 }],
  });
  expect(await run("alert", "retry")).toMatchObject({
    status: "error",
    error: { code: "alert-target-failed", data: { alerts: [{ code: "not-deployed" }] } },
  });
}, 120_000);

test("when it is back it gets the alert once, signed, and later its end", async () => {
  server = await serveWebhook(key, port);
  expect(await run("alert", "retry")).toMatchObject({ status: "ok", result: { sent: 1 } });
  expect(await run("alert", "retry")).toMatchObject({ status: "ok", result: { sent: 0 } });
  expect(server.received.map(({ path, body }) => [path, body["kind"], body["dedup_key"], body["severity"]])).toEqual([
    ["/hook", "raise", "local/swap/1/not-deployed/-1", "critical"],
  ]);
  const [open] = (await listed()).alerts;
  expect(open).toMatchObject({ state: "open", waiting: [] });
  expect(await run("alert", "resolve", open?.id ?? "")).toMatchObject({ status: "ok" });
  expect(server.received.map(({ body }) => body["kind"])).toEqual(["raise", "resolve"]);
  expect((await listed()).alerts).toEqual([]);
  expect((await listed("--all")).alerts).toMatchObject([{ code: "not-deployed", state: "over" }]);
  expect(await run("alert", "resolve", open?.id ?? "")).toMatchObject({ error: { code: "unknown-alert" } });
}, 120_000);

test("a test alert is marked as one; a silence keeps what comes until it is ended", async () => {
  expect(await run("alert", "test")).toMatchObject({
    status: "ok",
    result: { targets: [{ name: "log", delivered: true }] },
  });
  expect(server.received.at(-1)?.body).toMatchObject({ code: "alert-test", status: "resolved" });
  const heard = server.received.length;
  await run("alert", "silence", "--for", "1h", "--why", "repairs");
  const [silence] = (await listed()).silences;
  expect(silence).toMatchObject({ why: "repairs" });
  // It goes wrong once more.
  await run("swap", "resume");
  expect(server.received).toHaveLength(heard);
  expect((await listed()).alerts).toMatchObject([{ code: "not-deployed", state: "silenced" }]);
  await run("alert", "unsilence", silence?.id ?? "");
  expect(server.received.slice(heard).map(({ body }) => [body["kind"], body["code"]])).toEqual([
    ["raise", "not-deployed"],
  ]);
  const folder = join(cli.root, ".switchyard", "environments", "local");
  for (const name of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (name.isFile()) expect(await readFile(join(name.parentPath, name.name), "utf8")).not.toContain(key);
  }
}, 120_000);
