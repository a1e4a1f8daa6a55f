import { mkdir, mkdtemp, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSecrets } from "../../../services/kiro/secrets.ts";
import { removeFolder } from "../../support/remove-folder.ts";

let folder: string;
const read = (env = {}) => readSecrets({ KIRO_SECRETS_DIR: folder, ...env });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-kiro-secrets-"));
});
afterEach(() => removeFolder(folder));

test("without a folder there are none", () => {
  expect(readSecrets({ PORT: "1" })).toEqual({});
});

test("every file is a variable, exactly as it is, also as Kubernetes lays them out", async () => {
  await mkdir(join(folder, "..2030_01_01"));
  await writeFile(join(folder, "..2030_01_01", "API_KEY"), "one=1\n");
  await symlink("..2030_01_01", join(folder, "..data"));
  await symlink(join("..data", "API_KEY"), join(folder, "API_KEY"));
  await writeFile(join(folder, "DB_PASSWORD"), "pass");
  expect(read()).toEqual({ API_KEY: "one=1\n", DB_PASSWORD: "pass" });
});

test("a folder that is not there ends the start", () => {
  expect(() => readSecrets({ KIRO_SECRETS_DIR: join(folder, "none") })).toThrow(
    /The agent cannot start: KIRO_SECRETS_DIR cannot be read \(ENOENT/,
  );
});

test("what cannot be a variable ends the start, all of it at once and no value", async () => {
  await mkdir(join(folder, "A_FOLDER"));
  await writeFile(join(folder, "BINARY"), Buffer.from([0xff, 0xfe]));
  await writeFile(join(folder, "ZERO"), "hunter2\0");
  await writeFile(join(folder, "no-variable"), "hunter2");
  await writeFile(join(folder, "PORT"), "hunter2");
  const reading = () => read({ PORT: "8080" });
  for (const part of [
    "the secret A_FOLDER cannot be read (EISDIR",
    "BINARY is not text",
    "ZERO is not text",
    "no-variable has not the name of a variable",
    "PORT is set already",
  ])
    expect(reading).toThrow(part);
  expect(reading).not.toThrow(/hunter2/);
});
