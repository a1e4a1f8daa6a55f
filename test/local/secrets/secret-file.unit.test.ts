import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createSecretFile } from "../../../local/secrets/secret-file.ts";
import { removeFolder } from "../../support/remove-folder.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "switchyard-secrets-"));
  path = join(folder, "secrets");
});
afterAll(() => removeFolder(folder));
beforeEach(async () => {
  await writeFile(path, "# comment\nprojects/p/secrets/a=one=1\nprojects/p/secrets/a/versions/2=two\n", {
    mode: 0o600,
  });
  await chmod(path, 0o600);
});

it("has one value for every version, or one for one version", () => {
  const access = createSecretFile(path);
  expect(access("projects/p/secrets/a/versions/latest")).toBe("one=1");
  expect(access("projects/p/secrets/a/versions/2")).toBe("two");
});

it("is read anew each time", async () => {
  const access = createSecretFile(path);
  await writeFile(path, "projects/p/secrets/a=changed\n");
  expect(access("projects/p/secrets/a/versions/latest")).toBe("changed");
});

it("names the secret that it lacks, and no value", () => {
  const read = () => createSecretFile(path)("projects/p/secrets/b/versions/1");
  expect(read).toThrow("Secret projects/p/secrets/b/versions/1 was not found");
  expect(read).not.toThrow("one=1");
  expect(() => createSecretFile(join(folder, "none"))("projects/p/secrets/a/versions/1")).toThrow("was not found");
});

it("is refused while others can read it", async () => {
  await chmod(path, 0o644);
  expect(() => createSecretFile(path)("projects/p/secrets/a/versions/2")).toThrow(`chmod 600 ${path}`);
});
