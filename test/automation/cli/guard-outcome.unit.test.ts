import { describe, expect, it } from "vitest";
import { finishBatch } from "../../../automation/cli/guard-outcome.ts";
import type { BatchResult } from "../../../automation/cli/guard-run-command.ts";

type Ended = Partial<BatchResult["clusters"][number]>;

const resultOf = (clusters: readonly Ended[], waits: BatchResult["waits"] = []): BatchResult => ({
  batch: "wave-1",
  plan: "abc",
  clusters: clusters.map((one, index) => ({ cluster: `c-${index + 1}`, istio: "1.30.5", state: "upgraded", ...one })),
  waits,
});
const ended =
  (clusters: readonly Ended[], asked: Parameters<typeof finishBatch>[1], waits?: BatchResult["waits"]) => () =>
    finishBatch(resultOf(clusters, waits), asked);

describe("how a command that drove a batch ends", () => {
  it.each(["upgraded", "healthy", "mr_created", "mr_merged", "soaking_data_plane", "pre_check_passed"])(
    "%s is a result",
    (state) => {
      const result = resultOf([{ state }], [{ cluster: "c-1", why: "gate B", until: 1 }]);
      expect(finishBatch(result, "upgrade")).toBe(result);
    },
  );

  it.each([
    [{ state: "rollback_needed" }, "monitor"],
    [{ state: "rollback_mr_created" }, "monitor"],
    [{ state: "rollback_mr_merged" }, "monitor"],
    [{ state: "rollback_completed", wentBack: true }, "resume --batch wave-1 --retry"],
    [{ state: "healthy", wentBack: true }, "resume --batch wave-1 --retry"],
    [{ state: "abandoned" }, "status"],
  ] as const)("%o is no upgrade", (one, next) => {
    expect(ended([one, { state: "paused" }], "upgrade")).toThrow(
      expect.objectContaining({
        code: "guard-failed",
        exitCode: 1,
        refused: false,
        next: expect.arrayContaining([expect.stringContaining(next)]),
        data: expect.objectContaining({ batch: "wave-1", plan: "abc", clusters: expect.any(Array) }),
      }),
    );
  });

  it("paused, and checks that did not pass, are failures with what was found", () => {
    const note = "c-1: block G05";
    expect(ended([{ state: "paused", pausedFrom: "mr_created", note }], "upgrade")).toThrow(
      expect.objectContaining({ code: "guard-paused", exitCode: 1, message: expect.stringContaining(note) }),
    );
    for (const asked of ["upgrade", "resume"] as const)
      expect(ended([{ state: "pre_check_failed", note }], asked)).toThrow(
        expect.objectContaining({ code: "guard-checks-failed", exitCode: 5, refused: false }),
      );
  });

  it("a rollback has succeeded when it is under way, and not when its own merge request stopped", () => {
    const back: Ended = { state: "rollback_mr_created" };
    expect(ended([back, { state: "paused", pausedFrom: "pre_check_passed" }], "rollback")).not.toThrow();
    expect(ended([back, { state: "paused", pausedFrom: "rollback_needed" }], "rollback")).toThrow(
      expect.objectContaining({ code: "guard-paused" }),
    );
  });

  it("a person who resumes or gives up a batch gets what they asked for", () => {
    expect(ended([{ state: "abandoned" }, { state: "rollback_mr_created" }], "resume")).not.toThrow();
    expect(ended([{ state: "paused" }], "resume")).toThrow(expect.objectContaining({ code: "guard-paused" }));
  });

  it("what stood in the way of a look ends with its own code", () => {
    const waits = [{ cluster: "c-1", why: "git-host-busy: later", code: "git-host-busy" }] as const;
    expect(ended([{ state: "pre_check_passed" }], "upgrade", waits)).toThrow(
      expect.objectContaining({
        code: "git-host-busy",
        exitCode: 9,
        refused: false,
        message: "c-1: git-host-busy: later",
      }),
    );
  });
});
