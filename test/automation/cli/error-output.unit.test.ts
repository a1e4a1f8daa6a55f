import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ZodError } from "zod";
import { drawError, reportError, toEnvelope, toSwitchyardError } from "../../../automation/cli/error-output.ts";
import { type ErrorCode, HotSwapError, StatelessViolationError, SwitchyardError } from "../../../automation/errors.ts";

/** As oclif throws for the command line. */
function oclifError(message: string, exit: number): Error {
  return Object.assign(new Error(message), { oclif: { exit } });
}

function abortError(): unknown {
  try {
    AbortSignal.abort().throwIfAborted();
  } catch (error) {
    return error;
  }
  throw new Error("an aborted signal throws");
}

/** What reportError printed, and the exit code that it set. */
function report(thrown: unknown, options: { json?: boolean; debug?: boolean; warnings?: readonly string[] } = {}) {
  reportError(thrown, {
    json: options.json ?? false,
    debug: options.debug ?? false,
    warnings: options.warnings ?? [],
  });
  const written = (stream: NodeJS.WriteStream): string =>
    vi
      .mocked(stream.write)
      .mock.calls.map(([text]) => text)
      .join("");
  return { stdout: written(process.stdout), stderr: written(process.stderr), exitCode: process.exitCode };
}

let exitCodeBefore: typeof process.exitCode;
beforeEach(() => {
  exitCodeBefore = process.exitCode;
  process.exitCode = undefined;
  vi.spyOn(process.stdout, "write").mockReturnValue(true);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = exitCodeBefore;
});

describe("anything thrown becomes an error of the catalogue", () => {
  const moduleMissing = Object.assign(new Error("Cannot find package 'undici'"), { code: "ERR_MODULE_NOT_FOUND" });
  it.each<[string, unknown, ErrorCode, number]>([
    ["one of ours", new SwitchyardError("swap-in-progress", { message: "m" }), "swap-in-progress", 1],
    ["a swap's", new HotSwapError("candidate-not-ready", { message: "m", platform: "gke" }), "candidate-not-ready", 9],
    ["an abort", abortError(), "cancelled", 8],
    ["oclif's about the command line", oclifError("Nonexistent flag: --nope", 2), "usage-error", 2],
    ["a package that is missing", moduleMissing, "packages-missing", 2],
    ["a bug", new TypeError("x is not a function"), "internal-error", 1],
    ["a schema that we forgot to translate", new ZodError([]), "internal-error", 1],
    ["a text", "boom", "internal-error", 1],
    ["nothing", undefined, "internal-error", 1],
  ])("%s", (_what, thrown, code, exitCode) => {
    const error = toSwitchyardError(thrown);
    expect(error.code).toBe(code);
    expect(error.exitCode).toBe(exitCode);
    expect(error.next).not.toEqual([]);
    if (thrown instanceof Error && !(thrown instanceof SwitchyardError)) expect(error.cause).toBe(thrown);
    expect(report(thrown).exitCode).toBe(exitCode);
  });

  it("without the colours that oclif puts into its texts", () => {
    expect(toSwitchyardError(oclifError("\u001b[31mMissing\u001b[0m argument", 2)).message).toBe("Missing argument");
  });

  it("but a help page is no error", () => {
    expect(report(oclifError("help", 0), { json: true })).toEqual({ stdout: "", stderr: "", exitCode: undefined });
  });
});

describe("the envelope", () => {
  it("has code, message, next and exit code, and what the error carries beside", () => {
    const error = new HotSwapError("unknown-platform", { message: "m", platform: "gke", next: "n", data: { a: 1 } });
    expect(toEnvelope(error, ["careful"])).toEqual({
      status: "error",
      error: {
        code: "unknown-platform",
        message: "m",
        next: ["n"],
        exitCode: 2,
        platform: "gke",
        rollbackRequired: true,
        data: { a: 1 },
      },
      warnings: ["careful"],
    });
  });

  it("of a workload that keeps state names the platform and the violations", () => {
    const error = new StatelessViolationError("stateless-violation", {
      message: "m",
      platform: "gke",
      violations: ["v"],
    });
    expect(toEnvelope(error, []).error).toMatchObject({ platform: "gke", violations: ["v"] });
  });

  it("is one line on stdout, and nothing is on stderr", () => {
    const { stdout, stderr } = report(new SwitchyardError("no-swap", { message: "line 1\nline 2" }), { json: true });
    expect(stdout.indexOf("\n")).toBe(stdout.length - 1);
    expect(JSON.parse(stdout)).toMatchObject({
      status: "error",
      error: { code: "no-swap", message: "line 1\nline 2" },
    });
    expect(stderr).toBe("");
  });
});

describe("the text for people", () => {
  const error = new SwitchyardError("swap-in-progress", {
    message: "A swap is running",
    next: ["To follow it:   a", "To stop it:   b"],
    cause: new Error("deep"),
  });

  it("says code, what happened, what to do, and where to read more; on stderr", () => {
    const { stdout, stderr } = report(error);
    expect(stdout).toBe("");
    expect(stderr.split("\n")).toEqual([
      "Error: swap-in-progress",
      "A swap is running.",
      "To follow it:   a",
      "To stop it:   b",
      "More:           docs/errors.md#swap-in-progress",
      "",
    ]);
  });

  it("shows causes and stacks with --debug only", () => {
    expect(drawError(error, false)).not.toContain("deep");
    expect(drawError(error, true)).toContain("Error: deep\n    at ");
  });

  it("ends a sentence once", () => {
    expect(drawError(new SwitchyardError("no-swap", { message: "Done." }), false)).toContain("\nDone.\n");
    expect(drawError(new SwitchyardError("no-swap", { message: "a:\n  b" }), false)).toContain("\n  b\n");
  });
});
