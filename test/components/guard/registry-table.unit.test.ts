import { describe, expect, test } from "vitest";
import { RegistryTable, type RegistryTableArgs } from "../../../components/guard/registry-table.ts";
import { InvalidArgsError } from "../../../components/shared/validation.ts";
import { declareGraph } from "../declared-graph.ts";
import { expectWellFormed, settle } from "../graph-rules.ts";

const tableType = "aws:dynamodb/table:Table";
const declare = (args?: RegistryTableArgs) => declareGraph((options) => new RegistryTable("registry", args, options));

describe("RegistryTable", () => {
  test("declares a well-formed graph", async () => {
    expectWellFormed(await declare(), "registry");
  });

  test("has the key, the index and the time to live that guard's adapter uses", async () => {
    const graph = await declare();
    expect(graph.only(tableType).inputs).toMatchObject({
      name: "guard-clusters",
      billingMode: "PAY_PER_REQUEST",
      hashKey: "cluster_id",
      attributes: [
        { name: "cluster_id", type: "S" },
        { name: "batch_id", type: "S" },
      ],
      globalSecondaryIndexes: [{ name: "batch_id-index", hashKey: "batch_id", projectionType: "KEYS_ONLY" }],
      ttl: { attributeName: "expires_at", enabled: true },
    });
    expect(graph.only(tableType).inputs).not.toHaveProperty("rangeKey");
    expect(await settle(graph.built.tableArn)).toBe("arn:aws:dynamodb:eu-central-1:111122223333:table/guard-clusters");
  });

  test("is encrypted, restorable, and not deleted by mistake", async () => {
    const table = (await declare()).only(tableType);
    expect(table.inputs).toMatchObject({
      pointInTimeRecovery: { enabled: true, recoveryPeriodInDays: 35 },
      serverSideEncryption: { enabled: true },
      deletionProtectionEnabled: true,
    });
    expect(table.options.protect).toBe(true);
  });

  test("takes a key, a shorter time, tags, no protection, and what the args do not offer", async () => {
    const kmsKeyArn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd";
    const table = (
      await declare({
        tableName: "guard-test",
        kmsKeyArn,
        recoveryDays: 7,
        deletionProtection: false,
        tags: { team: "platform" },
        transform: { table: { tableClass: "STANDARD_INFREQUENT_ACCESS" } },
      })
    ).only(tableType);
    expect(table.inputs).toMatchObject({
      name: "guard-test",
      pointInTimeRecovery: { recoveryPeriodInDays: 7 },
      serverSideEncryption: { enabled: true, kmsKeyArn },
      deletionProtectionEnabled: false,
      tags: { team: "platform" },
      tableClass: "STANDARD_INFREQUENT_ACCESS",
    });
    expect(table.options.protect).toBe(false);
  });

  test("tells all problems at once, before anything is declared", () => {
    const attempt = () => new RegistryTable("registry", { tableName: "a b", recoveryDays: 36 });
    expect(attempt).toThrow(InvalidArgsError);
    expect(attempt).toThrow(/2 problems:\n {2}tableName is "a b".*\n {2}recoveryDays is 36/);
  });
});
