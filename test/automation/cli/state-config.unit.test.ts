import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../automation/cli/config-file.ts";
import { SwitchyardError } from "../../../automation/errors.ts";

const google = "cloud: google\n    project: p\n    image: r/kiro@sha256:1\n    ";
const file = (lines: string): string => `environments:\n  prod:\n    ${lines}\n`;

function problems(lines: string): readonly string[] {
  try {
    parseConfig(file(lines));
    return [];
  } catch (error) {
    if (!(error instanceof SwitchyardError)) throw error;
    const found = error.data["problems"];
    return Array.isArray(found) ? found.map(String) : [];
  }
}

describe("where the state of swaps is kept", () => {
  it("is in files when nothing is said", () => {
    expect(parseConfig(file("cloud: local")).environments["prod"]?.state).toBeUndefined();
    expect(parseConfig(file("cloud: local\n    state: {}")).environments["prod"]?.state).toEqual({ store: "files" });
  });

  it("may be DynamoDB: the local cloud's, another server's, or AWS's", () => {
    expect(problems("cloud: local\n    state: {store: dynamodb}")).toEqual([]);
    expect(problems(`${google}state: {store: dynamodb, endpoint: "http://127.0.0.1:8000"}`)).toEqual([]);
    expect(problems(`${google}state: {store: dynamodb, table: kiro-swaps, region: eu-central-1}`)).toEqual([]);
  });

  it.each([
    [`${google}state: {store: dynamodb}`, /^environments\.prod\.state\.region: missing: is needed for a table on AWS$/],
    ["cloud: local\n    state: {table: swaps}", /state\.table: "swaps": is a setting of store: dynamodb/],
    ["cloud: local\n    state: {store: dynamo}", /state\.store: "dynamo"/],
    ["cloud: local\n    state: {store: dynamodb, tabel: t}", /state\.tabel: no such setting; did you mean table\?/],
    ["cloud: local\n    state: {store: dynamodb, table: a b}", /state\.table: "a b": must be 3 to 255 letters/],
    [
      "cloud: local\n    state: {store: dynamodb, region: us-central1}",
      /state\.region: "us-central1": must be a region of AWS/,
    ],
    ["cloud: local\n    state: {store: dynamodb, endpoint: localhost}", /state\.endpoint: "localhost": must be a URL/],
  ])("is refused: %s", (lines, problem) => {
    const found = problems(lines);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(problem);
  });
});
