import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listStackStates, outputsOfState } from "../../../automation/adapters/pulumi-file-backend.ts";

const stack = "pulumi:pulumi:Stack";
const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", ciphertext: "v1:x" };

function state(outputs: object | undefined): string {
  const latest = {
    manifest: { time: "2026-12-01T05:56:38.686953459Z", magic: "m", version: "v3.230.0" },
    resources: [
      { urn: "urn:pulumi:a.local::switchyard::gcp:x/y:Y::y", type: "gcp:x/y:Y", custom: true, outputs: { own: 1 } },
      { urn: `urn:pulumi:a.local::switchyard::${stack}::switchyard-a.local`, type: stack, outputs },
    ],
  };
  return JSON.stringify({ version: 3, checkpoint: { stack: "organization/switchyard/a.local", latest } });
}
const empty = JSON.stringify({ version: 3, checkpoint: { stack: "organization/switchyard/b.local" } });

describe("the outputs in a state", () => {
  test("are the stack's own, secrets as they are kept", () => {
    expect(outputsOfState(state({ address: "127.0.0.1", key: secret }))).toEqual({ address: "127.0.0.1", key: secret });
  });

  test.each([
    ["none were declared", state(undefined)],
    ["nothing was ever brought up", empty],
  ])("are none where %s", (_why, text) => {
    expect(outputsOfState(text)).toEqual({});
  });

  test("are not made up where the file is none", () => {
    expect(() => outputsOfState("half a fi")).toThrow();
  });
});

describe("the stacks of a folder", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "file-backend-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test("are those of the project, packed ones too, without what lies beside them", async () => {
    const stacks = join(folder, ".pulumi", "stacks", "switchyard");
    await mkdir(stacks, { recursive: true });
    await writeFile(join(stacks, "a.local.json"), state({}));
    await writeFile(join(stacks, "a.local.json.bak"), state({}));
    await writeFile(join(stacks, "a.local.json.attrs"), "{}");
    await writeFile(join(stacks, "b.local.json.gz"), gzipSync(empty));
    expect((await listStackStates(folder, "switchyard")).toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([
      { name: "a.local", resources: 2, updatedAt: "2026-12-01T05:56:38.686Z" },
      { name: "b.local", resources: 0, updatedAt: undefined },
    ]);
    expect(await listStackStates(folder, "other")).toEqual([]);
  });

  test("are none where there is no folder", async () => {
    expect(await listStackStates(join(folder, "none"), "switchyard")).toEqual([]);
  });
});
