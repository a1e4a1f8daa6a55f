import { lstat, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CliCheckout, openCliCheckout } from "../../support/cli.ts";

const value = "markergkesecret7f3a9c51d2";
const reference = (secret: string): string => `projects/switchyard-local/secrets/${secret}/versions/1`;

let cli: CliCheckout;
const output: string[] = [];
const run = async (...args: string[]) => {
  const ended = await cli.run([...args, "--debug"]);
  output.push(ended.stdout, ended.stderr);
  return ended;
};
const secretsFile = () => join(cli.root, ".switchyard", "local", "secrets");
const configure = (secret: string) =>
  writeFile(
    join(cli.root, "switchyard.yaml"),
    `environments: {local: {cloud: local, secrets: {AGENT_KEY: ${reference(secret)}, KIRO_VERSION: ${reference("version")}}}}\n`,
  );

beforeAll(async () => {
  cli = await openCliCheckout();
  await mkdir(dirname(secretsFile()), { recursive: true });
  const line = (secret: string, content: string) => `projects/switchyard-local/secrets/${secret}=${content}\n`;
  await writeFile(secretsFile(), line("agent-key", value) + line("version", "told-as-a-secret"), { mode: 0o600 });
});
afterAll(() => cli.close());

interface RunningPod {
  readonly secrets: string;
  readonly origin: string;
}

/** This checkout's pods as their processes' first environments have them, which hold no value. Linux only. */
async function runningPods(): Promise<readonly RunningPod[]> {
  const found: RunningPod[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const lines = (await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "")).split("\0");
    const variable = (name: string) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
    const secrets = variable("KIRO_SECRETS_DIR");
    if (secrets === undefined || variable("HOME")?.startsWith(cli.root) !== true) continue;
    found.push({ secrets, origin: `http://127.0.0.1:${variable("PORT")}` });
    expect(lines.join("\n")).not.toContain(value);
  }
  return found;
}

async function filesWith(text: string, folder = cli.root): Promise<readonly string[]> {
  const forms = [text, Buffer.from(text).toString("base64").replaceAll("=", "").slice(0, -2)];
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const entry = await lstat(path);
    if (entry.isDirectory()) found.push(...(await filesWith(text, path)));
    else if (entry.isFile()) {
      const content = await readFile(path, "latin1");
      if (forms.some((form) => content.includes(form))) found.push(path);
    }
  }
  return found;
}

test("a pod on GKE is given its secrets as files, which are in no state, log or message and go with it", async () => {
  await configure("agent-key");
  const up = await run("up", "gke.local", "--json");
  expect(up.code, up.stdout).toBe(0);
  const pods = await runningPods();
  expect(pods.length).toBeGreaterThan(0);
  for (const { secrets, origin } of pods) {
    expect(secrets).toMatch(/\/switchyard-secrets-[^/]+\//);
    expect(secrets.startsWith(cli.root)).toBe(false);
    expect(await readFile(join(secrets, "AGENT_KEY"), "utf8")).toBe(value);
    expect((await lstat(secrets)).mode & 0o777).toBe(0o700);
    // What it says of itself comes from a variable on Cloud Run, and here from a file.
    expect(await (await fetch(`${origin}/info`)).json()).toMatchObject({ version: "told-as-a-secret" });
  }

  await configure("none");
  const without = await run("up", "gke.local", "--json");
  expect(without.code).not.toBe(0);
  expect(without.stdout).toContain("FailedMount");
  expect(without.stdout).toContain(`Secret ${reference("none")} was not found`);

  expect(await filesWith(value)).toEqual([secretsFile()]);
  expect(output.filter((text) => text.includes(value))).toEqual([]);
  expect((await run("local", "stop")).code).toBe(0);
  for (const { secrets } of pods) await expect(lstat(dirname(dirname(secrets)))).rejects.toThrow("ENOENT");
});
