import { describe, expect, it } from "vitest";
import { parseDuration } from "../../../automation/cli/duration-flag.ts";
import { parseRamp } from "../../../automation/cli/ramp.ts";
import { parseStack } from "../../../automation/cli/stack-command.ts";
import { SwitchyardError } from "../../../automation/errors.ts";

function thrown(work: () => unknown): SwitchyardError {
  try {
    work();
  } catch (error) {
    if (error instanceof SwitchyardError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a stack's name", () => {
  it("is a program and an environment", () => {
    expect(parseStack("cloud-run.prod")).toEqual({
      stack: "cloud-run.prod",
      program: "cloud-run",
      environment: "prod",
    });
  });

  it.each(["cloud-run", "cloud-run.", ".local", "a.b.c", "", "gke.local.x"])("%j is refused", (text) => {
    const error = thrown(() => parseStack(text));
    expect(error.code).toBe("unknown-stack");
    expect(error.exitCode).toBe(6);
    expect(error.next).not.toEqual([]);
  });

  it("with a typo in its program is told the nearest one", () => {
    expect(thrown(() => parseStack("trafic.local")).message).toBe(
      "There is no program trafic; known: cloud-run, gke, observability, traffic; did you mean traffic?",
    );
  });
});

describe("--ramp", () => {
  it.each([
    ["100", [100]],
    ["1,5,25,50,100", [1, 5, 25, 50, 100]],
    [" 0.5 , 100", [0.5, 100]],
  ])("%j is %j", (text, steps) => {
    expect(parseRamp(text)).toEqual(steps);
  });

  it.each(["", "1,5", "50,50,100", "100,50", "0,100", "-1,100", "1,101", "0.25,100", "a,100", "1;100", "1,,100"])(
    "%j is refused, with an example",
    (text) => {
      const error = thrown(() => parseRamp(text));
      expect(error.code).toBe("usage-error");
      expect(error.message).toContain(`--ramp ${text}`);
      expect(error.next.join()).toContain("--ramp 1,5,25,50,100");
    },
  );

  it("of more steps than a swap may have is refused", () => {
    const steps = Array.from({ length: 60 }, (_, index) => index + 1);
    expect(thrown(() => parseRamp([...steps, 100].join())).message).toContain("at most 50");
  });
});

describe("a time with its unit", () => {
  it.each([
    ["90s", 90_000],
    ["30m", 1_800_000],
    ["2h", 7_200_000],
    ["1.5h", 5_400_000],
    [" 10s ", 10_000],
    ["168h", 604_800_000],
  ])("%j is %d ms", (text, ms) => {
    expect(parseDuration("--by", text)).toBe(ms);
  });

  it.each(["", "30", "30 m", "0s", "-5m", "5d", "1e3s", "30min", "169h", "m", "NaNs"])(
    "%j is refused, with examples",
    (text) => {
      const error = thrown(() => parseDuration("--by", text));
      expect(error.code).toBe("usage-error");
      expect(error.message).toContain(`--by ${text}`);
      expect(error.next.join()).toContain("--by 30m");
    },
  );
});
