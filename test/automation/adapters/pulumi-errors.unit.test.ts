import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { PulumiProcessError } from "../../../automation/adapters/pulumi-automation-api.ts";
import { type ErrorContext, explainPulumiError } from "../../../automation/adapters/pulumi-errors.ts";
import { type Diagnostic, EventFold } from "../../../automation/adapters/pulumi-events.ts";
import { drawError, toSwitchyardError } from "../../../automation/cli/error-output.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import { secretsIn } from "../../../components/shared/literal-secret.ts";

const folder = join(import.meta.dirname, "..", "..", "fixtures", "pulumi-errors");

/** First line: exit code and what the events said; the rest: what the engine printed. Recorded with Pulumi 3.230.0. */
function recorded(name: string): { error: PulumiProcessError; context: ErrorContext } {
  const text = readFileSync(join(folder, `${name}.txt`), "utf8");
  const end = text.indexOf("\n");
  const head: { code: number; errors: Diagnostic[]; failed: string[] } = JSON.parse(text.slice(0, end));
  const result = { stdout: "", stderr: text.slice(end + 1), code: head.code, cancelled: false };
  return {
    error: new PulumiProcessError(["up"], result),
    context: {
      stack: "a.local",
      operation: "up",
      root: "/project",
      events: { outputs: {}, changes: {}, errors: head.errors, failed: head.failed, violations: [] },
    },
  };
}

const expected: Readonly<Record<string, { code: string; message: RegExp; next?: RegExp; data?: object }>> = {
  "duplicate-resource": { code: "resource-failed", message: /t:index:R r: Duplicate resource URN/ },
  "engine-panic": { code: "engine-failed", message: /code 2: panic: runtime error: index out of range/ },
  "not-logged-in": { code: "engine-login-required", message: /PULUMI_ACCESS_TOKEN/ },
  "passphrase-file-missing": { code: "stack-passphrase-wrong", message: /open \/nope: no such file/ },
  "passphrase-missing": { code: "stack-passphrase-wrong", message: /none was given$/ },
  "passphrase-wrong": { code: "stack-passphrase-wrong", message: /not the one/ },
  "program-rejects": { code: "engine-program-failed", message: /failed: later$/ },
  "program-run-error": { code: "engine-program-failed", message: /failed: please set that$/ },
  "program-throws": { code: "engine-program-failed", message: /failed: program exploded$/ },
  "project-missing": { code: "engine-project-missing", message: /^\/project has no usable Pulumi\.yaml/ },
  "project-unreadable": { code: "engine-project-missing", message: /did not find expected node content/ },
  "provider-not-installed": { code: "engine-plugin-missing", message: /provider "zz"/, data: { provider: "zz" } },
  "provider-silent": { code: "engine-provider-unreachable", message: /"t"/ },
  "resource-refused": {
    code: "resource-failed",
    message: /^1 resource of stack a\.local failed: t:index:R r: googleapi: Error 403: Permission denied/,
    data: { resources: [{ urn: "urn:pulumi:fail.local::switchyard::t:index:R::r" }] },
  },
  "setting-missing": {
    code: "engine-config-missing",
    message: /switchyard:domain is missing/,
    next: /pulumi config set switchyard:domain VALUE --stack a\.local/,
  },
  "setting-wrong-type": {
    code: "engine-config-missing",
    message: /switchyard:n of stack a\.local is "abc", which is not a valid number/,
  },
  "stack-file-corrupt": { code: "invalid-config", message: /^Pulumi\.a\.local\.yaml cannot be used: invalid YAML/ },
  "stack-locked": {
    code: "stack-locked",
    message: /process 18427 of root@vm since 2026-11-20T14:57:23Z/,
    next: /pulumi cancel --stack a\.local/,
    data: { pid: 18427, owner: "root@vm" },
  },
  "stack-not-found": { code: "stack-not-found", message: /no stack "a\.local"/ },
  "state-corrupt": { code: "engine-state-unusable", message: /failed to load checkpoint/ },
  "state-folder-missing": { code: "engine-state-unusable", message: /unable to open bucket/ },
};

describe("what the engine printed becomes an error of the catalogue", () => {
  test("every recorded text has an expectation", () => {
    expect(
      readdirSync(folder)
        .map((file) => file.replace(/\.txt$/, ""))
        .sort(),
    ).toEqual(Object.keys(expected).sort());
  });

  test.each(Object.entries(expected))("%s", (name, { code, message, next, data }) => {
    const { error, context } = recorded(name);
    const explained = explainPulumiError(error, context);
    expect(explained).toBeInstanceOf(SwitchyardError);
    expect(explained).toMatchObject({ code, message: expect.stringMatching(message), cause: error });
    if (next !== undefined) expect((explained as SwitchyardError).next.join("\n")).toMatch(next);
    if (data !== undefined) expect((explained as SwitchyardError).data).toMatchObject(data);
  });

  test("what a provider quotes is not taken for the engine's own words", () => {
    const urn = "urn:pulumi:a.local::switchyard::t:index:R::r";
    const said = { severity: "error" as const, urn, message: "incorrect passphrase; no stack named 'x' found" };
    const error = new PulumiProcessError(["up"], {
      stdout: "",
      stderr: `error: ${said.message}`,
      code: 1,
      cancelled: false,
    });
    const events = { outputs: {}, changes: {}, errors: [said], failed: [urn], violations: [] };
    expect(explainPulumiError(error, { stack: "a.local", events })).toMatchObject({ code: "resource-failed" });
  });

  test("what a provider or a backend quotes of the engine's variables is in no error, cause, progress or diagnostic", () => {
    const token = "marker7f3a9c51d2-of-this-test";
    const env = { GOOGLE_OAUTH_ACCESS_TOKEN: token, HOME: "/home/ada" };
    const said = `googleapi: Error 401: Request had invalid credentials Bearer ${token}`;
    const urn = "urn:pulumi:a.local::switchyard::t:index:R::r";
    const printed = { stdout: said, stderr: `error: ${said} of /home/ada`, code: 1, cancelled: false };
    const seenOf = (secrets: readonly string[], variables: Readonly<Record<string, string>>): string => {
      const fold = new EventFold("a.local", secrets);
      const shown = fold.take({
        sequence: 1,
        timestamp: 1,
        diagnosticEvent: { message: said, color: "never", severity: "error", urn, prefix: "" },
      });
      const error = new PulumiProcessError(["up"], printed, variables);
      const explained = [{ events: fold.summary() }, {}].map((context) => explainPulumiError(error, context));
      return `${inspect([shown, explained], { depth: 8 })} ${explained.map((one) => drawError(toSwitchyardError(one), true)).join()}`;
    };
    expect(seenOf([], {})).toContain(token);
    const seen = seenOf(secretsIn(env), env);
    expect(seen).not.toContain(token);
    expect(seen).toContain("resource-failed");
    expect(seen).toContain("Bearer [secret] of /home/ada");
  });

  test("a cancelled operation is cancelled, whatever the engine printed", () => {
    const { error, context } = recorded("resource-refused");
    expect(explainPulumiError(error, { ...context, cancelled: true })).toMatchObject({
      code: "engine-cancelled",
      message: "The up of stack a.local was cancelled; what it had finished is in the state",
    });
  });

  test("an operation that had to be stopped twice says what may be half done", () => {
    const error = new PulumiProcessError(["up"], { stdout: "", stderr: "", code: 8, cancelled: true });
    expect(explainPulumiError(error, { stack: "a.local", operation: "up", cancelled: true })).toMatchObject({
      message: expect.stringMatching(/may be half done/),
    });
  });

  test("a full disk and a missing binary have their codes, and what is not the engine's stays as it is", () => {
    const full = Object.assign(new Error("ENOSPC: no space left on device, mkdir"), { code: "ENOSPC" });
    expect(explainPulumiError(full, {})).toMatchObject({ code: "engine-state-unusable", cause: full });
    const gone = Object.assign(new Error("spawn pulumi ENOENT"), { code: "ENOENT", syscall: "spawn pulumi" });
    expect(explainPulumiError(gone, {})).toMatchObject({ code: "engine-missing" });
    const bug = new TypeError("x is not a function");
    expect(explainPulumiError(bug, {})).toBe(bug);
  });
});
