import { describe, expect, test } from "vitest";
import { InvalidArgsError } from "../../components/shared/validation.ts";
import { readGuardConfig } from "../../stacks/guard-config.ts";

const role = "arn:aws:iam::111122223333:role/gitlab-runner";
const clusters = ["a", "b"].map((name) => `arn:aws:iam::444455556666:role/switchyard-guard-${name}`);
const least = { "switchyard:trustRoleArns": role, "switchyard:clusterRoleArns": clusters.join(", ") };

const read = (values: Record<string, string>, environment: Record<string, string> = { AWS_REGION: "eu-central-1" }) =>
  readGuardConfig({ values: { ...least, ...values }, environment });

describe("the configuration of the program guard", () => {
  test("has defaults, and lists with commas or as JSON", () => {
    expect(read({})).toEqual({
      prefix: "switchyard",
      tableName: "guard-clusters",
      trustRoleArns: [role],
      clusterRoleArns: clusters,
      secretArns: [],
      kmsKeyArns: [],
      cloudWatchRegions: [],
      deletionProtection: true,
    });
    expect(
      read({ "switchyard:clusterRoleArns": JSON.stringify(clusters), "switchyard:deletionProtection": "false" }),
    ).toMatchObject({
      clusterRoleArns: clusters,
      deletionProtection: false,
    });
  });

  test("finds the region in the stack or in the environment", () => {
    expect(() => read({ "aws:region": "us-gov-west-1" }, {})).not.toThrow();
    expect(() => read({}, { AWS_DEFAULT_REGION: "ap-southeast-2" })).not.toThrow();
    expect(() => read({}, {})).toThrow(/aws:region is missing; allowed: a region, for example eu-central-1/);
  });

  test.each([
    ["a prefix that is none", { "switchyard:prefix": "Guard" }, /switchyard:prefix is "Guard"; allowed: 1 to 20/],
    ["broken JSON", { "switchyard:secretArns": "[" }, /switchyard:secretArns is "\["; allowed: a list of secrets/],
    [
      "half a word",
      { "switchyard:deletionProtection": "yes" },
      /switchyard:deletionProtection is "yes"; allowed: true or false/,
    ],
    [
      "a misspelt key, whose value is not repeated",
      { "switchyard:tableNam": "hunter22" },
      /switchyard:tableNam is not accepted; allowed: switchyard:tableName/,
    ],
    [
      "a key of another program",
      { "switchyard:image": "x" },
      /switchyard:image is not accepted; allowed: one of prefix/,
    ],
  ])("refuses %s", (_, values, message) => {
    expect(() => read(values)).toThrow(InvalidArgsError);
    expect(() => read(values)).toThrow(message);
    expect(() => read(values)).not.toThrow(/hunter22/);
  });

  test("tells all problems at once", () => {
    expect(() => readGuardConfig({ values: { "switchyard:prefix": "" }, environment: {} })).toThrow(
      /4 problems:\n {2}aws:region is missing.*\n.*prefix.*\n.*trustRoleArns is missing.*\n.*clusterRoleArns is missing/,
    );
  });
});
