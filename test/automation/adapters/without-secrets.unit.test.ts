import { describe, expect, it } from "vitest";
import {
  errorWithoutSecrets,
  secretsOfUrl,
  valueWithoutSecrets,
  withoutSecrets,
} from "../../../automation/adapters/without-secrets.ts";
import { drawError } from "../../../automation/cli/error-output.ts";
import { SwitchyardError } from "../../../automation/errors.ts";

const secret = 'ab"c/d e+f';

describe("a text", () => {
  it.each([
    ["as it is", `no such key ${secret}!`],
    ["as JSON has it", `no such key ${JSON.stringify(secret).slice(1, -1)}!`],
    ["as a URL has it", `no such key ${encodeURIComponent(secret)}!`],
    ["in base64", `no such key ${Buffer.from(secret).toString("base64").replaceAll("=", "")}!`],
  ])("is without a secret, %s", (_form, text) => {
    expect(withoutSecrets(text, [secret])).toBe("no such key [secret]!");
  });

  it("is without what follows Bearer alone, and without the longer of two where one is a part of the other", () => {
    expect(withoutSecrets("bad token t0ken-of-mine", ["Bearer t0ken-of-mine"])).toBe("bad token [secret]");
    expect(withoutSecrets("/hook/key1", ["key1", "/hook/key1"])).toBe("[secret]");
  });

  it("is as it was where there is no secret", () => {
    expect(withoutSecrets("all is well", ["", "other"])).toBe("all is well");
  });
});

describe("a value of JSON", () => {
  it("is without secrets in texts and names, however deep; else it is the same", () => {
    const value = { error: { code: 401, errors: [{ message: `bad ${secret}` }, null], [secret]: true } };
    expect(valueWithoutSecrets(value, [secret])).toEqual({
      error: { code: 401, errors: [{ message: "bad [secret]" }, null], "[secret]": true },
    });
    expect(valueWithoutSecrets(value, ["elsewhere"])).toBe(value);
    expect(valueWithoutSecrets(undefined, [secret])).toBeUndefined();
  });
});

describe("an error", () => {
  const thrown = new TypeError(`Headers.append: "Bearer ${secret}" is an invalid header value.`, {
    cause: new Error("deep", { cause: new Error(`deeper ${secret}`) }),
  });

  it("has none in message, stack and causes, so that --debug prints none", () => {
    const error = new SwitchyardError("traffic-unreachable", {
      message: "m",
      cause: errorWithoutSecrets(thrown, [secret]),
    });
    const drawn = drawError(error, true);
    expect(drawn).toContain('TypeError: Headers.append: "Bearer [secret]" is an invalid header value.\n    at ');
    expect(drawn).toContain("Error: deeper [secret]\n    at ");
    expect(drawn).not.toContain(secret);
    expect(drawError(new SwitchyardError("traffic-unreachable", { message: "m", cause: thrown }), true)).toContain(
      secret,
    );
  });

  it("is the same where there is nothing to leave out", () => {
    expect(errorWithoutSecrets(thrown, ["elsewhere"])).toBe(thrown);
    expect(errorWithoutSecrets(undefined, [secret])).toBeUndefined();
    expect(errorWithoutSecrets(`text ${secret}`, [secret])).toBe("text [secret]");
  });
});

describe("an address", () => {
  it("has its secrets in name and password, path and query, and in the long parts of these", () => {
    const url = new URL("https://ada:pass-word@hooks.example.com/services/T0/abcdefghijklmnop1?sig=query-key&v=1");
    const said = (text: string): string => withoutSecrets(text, secretsOfUrl(url));
    expect(said(url.href)).toBe("https://[secret]@hooks.example.com[secret]");
    expect(said("bad signature query-key")).toBe("bad signature [secret]");
    expect(said("no hook abcdefghijklmnop1")).toBe("no hook [secret]");
    expect(said("v must be 2 for services")).toBe("v must be 2 for services");
    expect(secretsOfUrl(new URL("http://127.0.0.1:1/"))).toEqual([]);
  });
});
