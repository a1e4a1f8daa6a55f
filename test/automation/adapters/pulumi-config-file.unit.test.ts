import { describe, expect, test } from "vitest";
import { editConfig } from "../../../automation/adapters/pulumi-config-file.ts";

const text = `# Kept by hand.
encryptionsalt: v1:abc:v1:def
config:
  switchyard:port: "8080" # the agent's
  switchyard:key:
    secure: v1:xyz
`;

describe("editing Pulumi.<stack>.yaml", () => {
  test("what is the same already leaves the file alone, also as a number", () => {
    expect(editConfig(text, { "switchyard:port": 8080 })).toEqual({ kind: "unchanged" });
    expect(editConfig(text, {})).toEqual({ kind: "unchanged" });
  });

  test("only the named settings change; comments, salt and secrets stay", () => {
    const edit = editConfig(text, { "switchyard:port": 9090, "switchyard:zones": ["a", "b"] });
    expect(edit).toEqual({
      kind: "changed",
      keys: ["switchyard:port", "switchyard:zones"],
      text: `# Kept by hand.
encryptionsalt: v1:abc:v1:def
config:
  switchyard:port: 9090 # the agent's
  switchyard:key:
    secure: v1:xyz
  switchyard:zones:
    - a
    - b
`,
    });
    if (edit.kind !== "changed") return;
    expect(editConfig(edit.text, { "switchyard:zones": ["a", "b"] })).toEqual({ kind: "unchanged" });
  });

  test("an empty file gets a section", () => {
    expect(editConfig("", { "a:b": true })).toMatchObject({ text: "config:\n  a:b: true\n" });
    expect(editConfig("encryptionsalt: x\nconfig:\n", { "a:b": "c" })).toMatchObject({ kind: "changed" });
  });

  test("a secret is never replaced by a value in clear", () => {
    expect(editConfig(text, { "switchyard:key": "plain" })).toEqual({ kind: "encrypted", keys: ["switchyard:key"] });
  });

  test.each([["config: ["], ["- a"], ["config: 3"]])("a file that is no such file is refused: %s", (broken) => {
    expect(editConfig(broken, { "a:b": 1 })).toMatchObject({ kind: "invalid" });
  });
});
