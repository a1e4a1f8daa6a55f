import { execFile } from "node:child_process";
import { createServer, type Server } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { startTimeOf } from "../../../automation/adapters/process-facts.ts";
import { type CliCheckout, openCliCheckout, describe as told } from "../../support/cli.ts";

const run = promisify(execFile);

let cli: CliCheckout;
beforeAll(async () => {
  cli = await openCliCheckout();
});
afterAll(() => cli.close());

const localStatus = z.object({
  running: z.boolean(),
  pid: z.number(),
  listeners: z.array(z.object({ name: z.string(), url: z.string() })),
});
const status = async () => localStatus.parse(await cli.result("local", "status"));

/** Lines of bash in the checkout, as a platform engineer types them. */
async function bash(script: string): Promise<string> {
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], {
    cwd: cli.root,
    // A shell that has something of its own, which the local environment must not meet.
    env: { ...cli.env, PULUMI_CONFIG_PASSPHRASE: "theirs", PULUMI_ACCESS_TOKEN: "theirs" },
    maxBuffer: 16 * 2 ** 20,
  });
  return stdout;
}

const inLocalShell = (script: string): Promise<string> =>
  bash(`eval "$(${process.execPath} bin/switchyard.js local env)"\n${script}`);

describe("plain pulumi after eval of `local env`", () => {
  test("previews, brings up, refreshes and destroys the same program", async () => {
    const text = await inLocalShell(`
      [ -z "\${PULUMI_CONFIG_PASSPHRASE-}" ] && [ -z "\${PULUMI_ACCESS_TOKEN-}" ]
      export PULUMI_OPTION_COLOR=never
      pulumi preview --non-interactive -s gke.local
      pulumi up --yes --skip-preview --non-interactive -s gke.local
      pulumi refresh --yes --skip-preview --non-interactive --expect-no-changes -s gke.local
    `);
    expect(text).toMatch(/\+ \d+ to create/);
    expect(text).toMatch(/\+ \d+ created/);
    // Both ways are one state.
    const stacks = z.object({ stacks: z.array(z.object({ stack: z.string(), resources: z.number() })) });
    const found = stacks.parse(await cli.result("stacks")).stacks.find(({ stack }) => stack === "gke.local");
    expect(found?.resources).toBeGreaterThan(8);
    expect(await cli.result("preview", "gke.local")).toMatchObject({ changes: { same: expect.any(Number) } });
    expect(await inLocalShell("pulumi destroy --yes --skip-preview --non-interactive -s gke.local")).toMatch(
      /- \d+ deleted/,
    );
    expect(await cli.result("local", "status")).toMatchObject({ running: true, instances: [] });
  });

  test("its lines are for a shell alone: quoted, without anything else on stdout", async () => {
    const { stdout, code } = await cli.run(["local", "env"]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^unset [A-Z_ ]+$/);
    for (const line of lines.slice(1)) expect(line).toMatch(/^export [A-Z_]+='[^']*'(:"\$PATH")?$/);
    expect(await cli.failure("local", "env", "--env", "prod")).toMatchObject({ code: "unknown-environment" });
  });
});

describe("the local cloud's life", () => {
  test("start is the same when it runs already; stop is no error when it does not", async () => {
    const { pid } = await status();
    expect(await cli.result("local", "start")).toMatchObject({ running: true, pid });
    expect(await cli.result("local", "stop")).toEqual({ stopped: true, pid });
    expect(await startTimeOf(pid)).toBeUndefined();
    expect(await cli.run(["local", "stop"])).toMatchObject({
      code: 0,
      stdout: "The local cloud did not run.\nTo start it:   npx switchyard local start\n",
    });
  });

  test("two starts at once make one", async () => {
    const results = await Promise.all([cli.run(["local", "start", "--json"]), cli.run(["local", "start", "--json"])]);
    const { pid } = await status();
    for (const one of results) {
      expect(one.code, told(one)).toBe(0);
      expect(JSON.parse(one.stdout)).toMatchObject({ result: { pid } });
    }
    await cli.result("local", "stop");
  });

  test("a listener whose port another program took is named, with the port and what to do; freed, it comes back", async () => {
    await cli.result("up", "cloud-run.local");
    await cli.result("up", "traffic.local");
    const { listeners } = await status();
    const https = listeners.find(({ name }) => name.endsWith("-https"));
    const port = Number(new URL(https?.url ?? "").port);
    await cli.result("local", "stop");
    const other = await listen(port);
    try {
      const error = await cli.failure("local", "start");
      expect(error).toMatchObject({ code: "port-in-use", exitCode: 4 });
      expect(error.message).toContain(`port in use: ${port} on 127.0.0.1`);
      expect(error.message).toContain(https?.name);
      expect(await cli.failure("agent", "info")).toMatchObject({ code: "port-in-use" });
      expect(await cli.result("local", "status")).toMatchObject({ running: false });
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
    expect((await cli.result("local", "start"))["listeners"]).toEqual(listeners);
  });
});

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
