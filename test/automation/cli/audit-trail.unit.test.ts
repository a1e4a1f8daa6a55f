import { describe, expect, it } from "vitest";
import { createAuditLog } from "../../../automation/audit/log.ts";
import { auditedCommands } from "../../../automation/cli/audit-check.ts";
import { recorded, withoutSecretArguments } from "../../../automation/cli/audit-trail.ts";
import { type ErrorCode, SwitchyardError } from "../../../automation/errors.ts";
import { createMemoryStateStore } from "../../support/memory-state-store.ts";

const marker = "marker-3f9a61c2";

function scene() {
  const store = createMemoryStateStore();
  const log = createAuditLog({ store, environment: "local", verify: "audit verify", setAside: "audit set-aside" });
  const warnings: string[] = [];
  let at = 0;
  const call = {
    command: "up",
    arguments: ["cloud-run.local"],
    env: { MY_TOKEN: marker, SHELL: "/bin/sh" },
    now: () => {
      at += 1_000;
      return at;
    },
  };
  const run = <Result extends object>(work: () => Promise<Result>, given: readonly string[] = call.arguments) =>
    recorded(log, { ...call, arguments: given }, work, (text) => warnings.push(text));
  const entries = async () => (await log.read())?.entries ?? [];
  return { store, log, warnings, run, entries };
}

const fails = (code: ErrorCode) => () => Promise.reject(new SwitchyardError(code, { message: "no" }));

describe("a command that changes something", () => {
  it("is written down before it begins and when it is done, with what names its result", async () => {
    const { run, entries, log } = scene();
    let seen: readonly string[] = [];
    await run(async () => {
      seen = ((await log.read())?.entries ?? []).map(({ phase }) => phase);
      return { stack: "cloud-run.local", operation: "up", outputs: { password: marker } };
    });
    expect(seen).toEqual(["begun"]);
    expect(await entries()).toMatchObject([
      { phase: "begun", command: "up", arguments: ["cloud-run.local"], environment: "local" },
      { phase: "done", exitCode: 0, result: { stack: "cloud-run.local", operation: "up" } },
    ]);
    expect(JSON.stringify(await entries())).not.toContain(marker);
  });

  it.each<[ErrorCode, string, number]>([
    ["resource-failed", "failed", 4],
    ["cancelled", "failed", 8],
    ["swap-frozen", "refused", 5],
    ["invalid-config", "refused", 2],
    ["guard-refused", "refused", 5],
    ["guard-locked", "refused", 4],
    ["guard-unknown-cluster", "refused", 4],
    ["guard-conflict", "failed", 4],
    ["swap-in-progress", "refused", 1],
    ["swap-paused", "failed", 1],
    ["stack-locked", "refused", 1],
  ])("that ends with %s is %s, and its error is the command's own", async (code, phase, exitCode) => {
    const { run, entries } = scene();
    await expect(run(fails(code))).rejects.toMatchObject({ code, message: "no" });
    expect((await entries())[1]).toMatchObject({ phase, code, exitCode });
  });

  it("that loses its lock while it works has failed, though a lock that is taken is a refusal", async () => {
    const { run, entries } = scene();
    const lost = () => Promise.reject(new SwitchyardError("guard-locked", { message: "no", begun: true }));
    await expect(run(lost)).rejects.toMatchObject({ code: "guard-locked" });
    expect((await entries())[1]).toMatchObject({ phase: "failed", code: "guard-locked" });
  });

  it("is not begun when that cannot be written", async () => {
    const { run, store } = scene();
    store.fail("disk-full");
    let begun = false;
    const work = async () => {
      begun = true;
      return {};
    };
    await expect(run(work)).rejects.toMatchObject({
      code: "disk-full",
      message: expect.stringContaining("up was not begun, because that could not be written to the audit log"),
    });
    expect(begun).toBe(false);
  });

  it("keeps its result when only its end cannot be written, and says so", async () => {
    const { run, store, warnings, entries } = scene();
    const work = async () => {
      store.fail("disk-full");
      return { id: "3" };
    };
    expect(await run(work)).toEqual({ id: "3" });
    expect(warnings).toEqual([expect.stringContaining("the end of this command is not in the audit log")]);
    store.fail(undefined);
    expect(auditedCommands(await entries())).toMatchObject([{ phase: "begun", endedAt: undefined }]);
  });

  it("leaves no secret there, whether by name, by form or because a variable holds it", async () => {
    const { run, entries } = scene();
    const github = `ghp_${"a".repeat(36)}`;
    await run(async () => ({ image: `x@${marker}` }), ["--api-key", "one", "PASSWORD=two", `--to=${marker}`, github]);
    const text = JSON.stringify(await entries());
    expect(text).not.toContain(marker);
    expect(text).not.toContain(github);
    expect((await entries())[0]?.arguments).toEqual([
      "--api-key",
      "[secret]",
      "PASSWORD=[secret]",
      "--to=[secret]",
      "[secret]",
    ]);
  });
});

it("ordinary arguments stay as they were typed", () => {
  const given = ["--to", "gke", "--ramp", "1,5,100", "cloud-run=95", "--token-file", "x", "--yes", "--env", "local"];
  expect(withoutSecretArguments(given, [])).toEqual(given);
});
