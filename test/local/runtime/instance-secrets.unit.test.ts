import { existsSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { giveSecrets } from "../../../local/runtime/instance-secrets.ts";
import { endOrphans, secretsDirectory } from "../../../local/runtime/orphans.ts";
import { writeProcessRecord } from "../../../local/runtime/process-record.ts";
import { removeFolder } from "../../support/remove-folder.ts";

let folder: string;
const base = () => join(folder, "secrets");
const spec = {
  name: "agent-1",
  platform: "gke",
  image: "i",
  env: { DIR: "/run/secrets", FILE: "/run/secrets/KEY", OTHER: "/run/secrets2" },
  secretFolders: { "/run/secrets": { KEY: "projects/p/secrets/key/versions/1" } },
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-instance-secrets-"));
});
afterEach(() => removeFolder(folder));

test("a folder's files are there for its user alone until the instance has ended, and the variables lead to them", async () => {
  const given = giveSecrets(spec, (version) => `value of ${version}`, base());
  const { DIR = "", FILE = "", OTHER } = given.spec.env;
  expect(readFileSync(FILE, "utf8")).toBe("value of projects/p/secrets/key/versions/1");
  expect(FILE).toBe(join(DIR, "KEY"));
  expect(OTHER).toBe("/run/secrets2");
  expect(statSync(FILE).mode & 0o777).toBe(0o600);
  for (const place of [base(), join(base(), "agent-1"), DIR]) expect(statSync(place).mode & 0o777).toBe(0o700);
  await given.remove();
  expect(await readdir(base())).toEqual([]);
});

test("variables come as they are", () => {
  const { secretFolders: _none, ...plain } = spec;
  const given = giveSecrets({ ...plain, secretEnv: { KEY: "v" } }, (version) => `value of ${version}`, base());
  expect(given.spec.env).toEqual({ ...spec.env, KEY: "value of v" });
});

test("nothing is written when one of them is not there, or there is no Secret Manager", async () => {
  const files = { A: "a", B: "b" };
  const access = (version: string) => {
    if (version === "b") throw new Error("b was not found");
    return version;
  };
  expect(() => giveSecrets({ ...spec, secretFolders: { "/x": files } }, access, base())).toThrow("b was not found");
  expect(() => giveSecrets(spec, undefined, base())).toThrow("no Secret Manager");
  expect(await readdir(folder)).toEqual([]);
});

test("what a daemon that died left of them goes with its instances", async () => {
  const owner = "11111111-2222-4333-8444-555555555555";
  const left = secretsDirectory(owner);
  await mkdir(left, { mode: 0o700 });
  await writeFile(join(left, "KEY"), "value", { mode: 0o600 });
  const daemon = { pid: process.pid, startTime: "of a process before this one" };
  writeProcessRecord(folder, { version: 1, owner, daemon, processes: [] });
  await endOrphans(folder);
  expect(existsSync(left)).toBe(false);
});
