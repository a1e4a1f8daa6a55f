/** What only the real engine can get into: killed, locked, interrupted, without its provider. */
import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { startTimeOf } from "../../../automation/adapters/process-facts.ts";
import { resolveEngine } from "../../../automation/adapters/pulumi-resolver.ts";
import { engineTimeoutMs, type RealEngine, startRealEngine } from "../../support/real-engine.ts";

const stack = "shop.local";

beforeAll(async () => {
  await resolveEngine({ env: process.env });
}, engineTimeoutMs);

async function given(): Promise<RealEngine> {
  const real = await startRealEngine();
  onTestFinished(() => real.close());
  return real;
}

const locksFolder = (real: RealEngine) =>
  join(real.root, ".switchyard", "pulumi", "state", ".pulumi", "locks", "organization", "switchyard", stack);

/** The engine's process, from the lock that it holds. */
async function enginePid(real: RealEngine): Promise<number> {
  const [name] = (await readdir(locksFolder(real))).filter((each) => each.endsWith(".json"));
  const lock: { pid: number } = JSON.parse(await readFile(join(locksFolder(real), name ?? ""), "utf8"));
  return lock.pid;
}

test("an engine that was killed leaves a lock and an unanswered create; the next up repairs both", async () => {
  const real = await given();
  const never = Promise.withResolvers<void>();
  real.provider.onCreate = async () => {
    process.kill(await enginePid(real), "SIGKILL");
    await never.promise;
  };
  await expect(real.engine.up(stack)).rejects.toMatchObject({ code: "engine-failed" });
  real.provider.onCreate = async () => undefined;
  expect((await readdir(locksFolder(real))).filter((name) => name.endsWith(".json"))).toHaveLength(1);

  const refusing = real.another({ pendingCreates: "refuse" });
  await expect(refusing.up(stack)).rejects.toMatchObject({
    code: "stack-interrupted",
    next: [expect.stringContaining("--import-pending-creates"), expect.stringContaining("--clear-pending-creates")],
    data: { pending: [expect.stringMatching(/first$/)] },
  });
  expect((await real.engine.up(stack)).changes).toMatchObject({ create: expect.any(Number) });
  expect((await real.engine.up(stack)).changes).toEqual({ same: 3 });
  expect(await refusing.outputs(stack)).toMatchObject({ size: "small" });
});

test("the lock of a living process, or of another machine, is respected and named", async () => {
  const real = await given();
  await real.engine.configure(stack, {});
  await mkdir(locksFolder(real), { recursive: true });
  const started = new Date(((await startTimeOf(process.pid)) ?? 0) + 5_000).toISOString();
  for (const lock of [
    { pid: process.pid, username: "me", hostname: hostname(), timestamp: started },
    { pid: 2 ** 22 + 1, username: "me", hostname: "elsewhere", timestamp: started },
  ]) {
    await writeFile(join(locksFolder(real), "1.json"), JSON.stringify(lock));
    await expect(real.engine.up(stack)).rejects.toMatchObject({
      code: "stack-locked",
      message: expect.stringContaining(`process ${lock.pid} of me@${lock.hostname}`),
    });
  }
  // The process id is a living one's, which began after the lock was written: another process had it then.
  const lock = { pid: process.pid, username: "me", hostname: hostname(), timestamp: "2020-01-01T00:00:00Z" };
  await writeFile(join(locksFolder(real), "1.json"), JSON.stringify(lock));
  expect((await real.engine.up(stack)).changes).toEqual({ create: 3 });
});

test("an engine that does not heed the first interrupt is stopped by the second, and the stack is usable", async () => {
  const real = await given();
  const stop = new AbortController();
  const never = Promise.withResolvers<void>();
  real.provider.onCreate = async () => {
    stop.abort(new Error("Ctrl-C"));
    await never.promise;
  };
  const impatient = real.another({ cancelGraceMs: 500 });
  await expect(impatient.up(stack, { signal: stop.signal })).rejects.toMatchObject({
    code: "engine-cancelled",
    message: expect.stringContaining("half done"),
    // The engine's own code for a second interrupt; a kill would be -1.
    cause: { result: { code: 8 } },
  });
  real.provider.onCreate = async () => undefined;
  expect((await real.engine.up(stack)).outputs).toMatchObject({ size: "small" });
});

test("a provider that is gone is named at once", async () => {
  const real = await given();
  real.provider.close();
  await expect(real.engine.up(stack)).rejects.toMatchObject({
    code: "engine-provider-unreachable",
    message: expect.stringContaining(`tiny (port ${real.provider.port})`),
  });
});

test("state and passphrase are the owner's alone, and a wrong passphrase is named", async () => {
  const real = await given();
  await real.engine.up(stack);
  const folder = join(real.root, ".switchyard", "pulumi");
  expect((await stat(join(folder, "passphrase"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, "state"))).mode & 0o777).toBe(0o700);
  const state = await readFile(join(folder, "state", ".pulumi", "stacks", "switchyard", `${stack}.json`), "utf8");
  expect(state).not.toContain("hush");
  await writeFile(join(folder, "passphrase"), "another");
  await expect(real.engine.up(stack)).rejects.toMatchObject({ code: "stack-passphrase-wrong", exitCode: 3 });
});

test("what a listener throws is not lost", async () => {
  const real = await given();
  const onProgress = () => {
    throw new Error("the report's disk is full");
  };
  await expect(real.engine.up(stack, { onProgress })).rejects.toThrow("the report's disk is full");
  expect((await real.engine.up(stack)).changes).toEqual({ same: 3 });
});

test("when the driver is killed the engine ends by itself, and the next up goes on", async () => {
  const real = await given();
  const { pulumi } = await resolveEngine({ env: process.env });
  const reached = Promise.withResolvers<number>();
  const release = Promise.withResolvers<void>();
  real.provider.onCreate = async (name) => {
    if (name !== "first") return;
    reached.resolve(await enginePid(real));
    await release.promise;
  };
  const program = join(import.meta.dirname, "..", "..", "support", "engine-driver-process.ts");
  const args = [program, real.root, pulumi, JSON.stringify(real.env)];
  const driver = spawn(process.execPath, args, { stdio: "inherit" });
  const pid = await reached.promise;
  driver.kill("SIGKILL");
  release.resolve();
  await vi.waitFor(async () => expect(await startTimeOf(pid)).toBeUndefined(), 10_000);
  expect((await real.engine.up(stack)).outputs).toMatchObject({ size: "small" });
  expect((await real.engine.up(stack)).changes).toEqual({ same: 3 });
});

test("secrets of a stack's resources are in clear for who asks, and nowhere on the disk", async () => {
  const real = await given();
  await real.engine.up("sealed.local");
  const thing = (await real.engine.resources("sealed.local")).find(
    ({ custom, type }) => custom && type.startsWith("tiny:"),
  );
  expect(thing?.inputs).toMatchObject({ size: { plaintext: '"small"' } });
  const folder = join(real.root, ".switchyard", "pulumi", "state", ".pulumi", "stacks", "switchyard");
  const state = await readFile(join(folder, "sealed.local.json"), "utf8");
  expect(state).toContain("ciphertext");
  expect(state).not.toContain("plaintext");
});
