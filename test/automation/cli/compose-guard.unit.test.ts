import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Composition } from "../../../automation/cli/compose.ts";
import { GuardComposition } from "../../../automation/cli/compose-guard.ts";
import { clusterEntry } from "../../../automation/guard/registry/record.ts";
import { type DynamoDb, serveDynamoDb } from "../../../local/aws/dynamodb.ts";
import { removeFolder } from "../../support/remove-folder.ts";
import { serveSecretsManager } from "../../support/secrets-manager-server.ts";

let root: string;
let database: DynamoDb;
let secrets: Awaited<ReturnType<typeof serveSecretsManager>>;
const opened: GuardComposition[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "switchyard-guard-"));
  database = await serveDynamoDb({ tableChangeMs: 0 });
  secrets = await serveSecretsManager({ "guard/gitlab": '{"token":"by name"}' });
  await writeFile(join(root, "token"), "from a file", { mode: 0o600 });
  await writeFile(
    join(root, "switchyard.yaml"),
    `guard: {aws: {region: eu-central-1, dynamodb: {endpoint: "${database.endpoint}", create_table: true}}}\nenvironments: {local: {cloud: local}}\n`,
  );
});
afterAll(async () => {
  for (const guard of opened) await guard.close();
  await secrets.close();
  await database.close();
  await removeFolder(root);
});

function guard(folder = root): GuardComposition {
  const env = { AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url, TOKEN: "of a variable" };
  const made = new GuardComposition(new Composition({ root: folder, signal: new AbortController().signal, env }));
  opened.push(made);
  return made;
}

const entry = (clusterId: string, batchId: string) =>
  clusterEntry.parse({
    clusterId,
    batchId,
    environment: "production",
    region: "eu-central-1",
    gitlabRepo: "mesh/fleet",
    fluxConfigPath: "clusters",
    currentIstioVersion: "1.30.5",
  });

describe("guard's wiring", () => {
  it("without a section keeps everything on this machine", async () => {
    const { aws } = await guard(join(root, "no-such-folder")).config();
    expect(aws.dynamodb).toEqual({ table_name: "guard-clusters", local: true, create_table: false });
  });

  it("with one is on AWS unless it says otherwise", async () => {
    const { aws } = await guard().config();
    expect(aws).toMatchObject({ region: "eu-central-1", dynamodb: { local: false, endpoint: database.endpoint } });
  });

  it("reads secrets by each kind of place, AWS's in the table's region", async () => {
    const one = guard();
    expect(await one.secret("TOKEN")).toBe("of a variable");
    expect(await one.secret("file:token")).toBe("from a file");
    expect(await one.secret(`file:${join(root, "token")}`)).toBe("from a file");
    expect(await one.secret("secrets-manager:guard/gitlab#token")).toBe("by name");
    expect(secrets.asked).toEqual([{ id: "guard/gitlab", region: "eu-central-1" }]);
  });

  it("works under the locks of all batches at once, and gives them back, also after an error", async () => {
    const [one, other] = [guard(), guard()];
    const registry = await one.registry();
    await one.underBatchLocks(["wave-2", "wave-1", "wave-2"], async (fence) => {
      await registry.add(entry("a", "wave-1"), 1, fence);
      for (const batch of ["wave-1", "wave-2"])
        await expect(other.underBatchLocks([batch], async () => "in")).rejects.toMatchObject({
          code: "guard-locked",
          message: expect.stringContaining(one.holder),
        });
      expect(await other.underBatchLocks(["wave-3"], async () => "in")).toBe("in");
    });
    await expect(one.underBatchLocks(["wave-1"], () => Promise.reject(new Error("of the work")))).rejects.toThrow(
      "of the work",
    );
    expect(await other.underBatchLocks(["wave-1", "wave-2"], async () => "in")).toBe("in");
  });

  it("has a fence that is good for a cluster that changes its batch", async () => {
    const one = guard();
    const registry = await one.registry();
    // The locks of its old batch were taken more often than those of the new one.
    for (let round = 0; round < 3; round += 1) await one.underBatchLocks(["old"], async () => undefined);
    await one.underBatchLocks(["old"], (fence) => registry.add(entry("moving", "old"), 1, fence));
    await one.underBatchLocks(["old", "new"], async (fence) => {
      const loaded = await registry.load("moving");
      await registry.save(loaded, { ...loaded.record, entry: entry("moving", "new") }, fence);
    });
    await one.underBatchLocks(["new"], async (fence) => {
      const loaded = await registry.load("moving");
      expect(await registry.save(loaded, loaded.record, fence)).toMatchObject({ version: 3 });
    });
  });

  it("keeps its audit log in its table", async () => {
    const log = await guard().auditLog();
    const facts = {
      at: "2026-12-01T10:00:00.000Z",
      who: "ada",
      host: "h",
      pid: 1,
      run: "r",
      command: "guard registry add",
    };
    await log.append({ ...facts, arguments: [], phase: "begun" });
    expect((await (await guard().auditLog()).read())?.entries).toMatchObject([{ command: "guard registry add", n: 1 }]);
  });
});
