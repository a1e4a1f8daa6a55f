import { describe, expect, it } from "vitest";
import { finish, stopped } from "../../../automation/cli/swap-outcome.ts";
import { SwitchyardError } from "../../../automation/errors.ts";
import type { SwapEvent } from "../../../automation/swap/state.ts";
import { gkeFailing } from "../../support/swap-screen.ts";
import { SwapWorld } from "../../support/swap-world.ts";

// Ctrl-C in every phase, before and after its effect, with everything outside in memory. Some of it runs for real in swap.e2e.test.ts.

type Moment = (event: SwapEvent) => boolean;

const entered =
  (phase: string): Moment =>
  (event) =>
    event.kind === "entered" && event.phase === phase;
const intent = (kind: string, nth = 1): Moment => {
  let seen = 0;
  return (event) => {
    if (event.kind === "intent" && event.effect.kind === kind) seen += 1;
    return seen === nth && event.kind === "intent";
  };
};

const good = (_world: SwapWorld): void => undefined;
const bad = gkeFailing(0.4);

/** Name of the phase as people are told, whether the way back is open, the weights as they are told. */
type Case = readonly [
  name: string,
  moment: () => Moment,
  world: (world: SwapWorld) => void,
  where: string,
  back: boolean,
  weights: string,
];

const cases: readonly Case[] = [
  ["before the candidate is deployed", () => (event) => event.kind === "engine", good, "deploying", true, "not moved"],
  ["while it is deployed", () => intent("deploy"), good, "deploying", true, "not moved"],
  ["before the balancer learns of it", () => entered("attaching"), good, "attaching", true, "not moved"],
  ["while the balancer learns of it", () => intent("attach"), good, "attaching", true, "not moved"],
  ["before it has an entry", () => entered("adding-entry"), good, "adding entry", true, "not moved"],
  [
    "while the entry is written",
    () => intent("write-weights"),
    good,
    "adding entry",
    true,
    "not moved, perhaps cloud-run 100 %, gke 0 % already",
  ],
  ["before its acceptance", () => entered("accepting"), good, "accepting", true, "cloud-run 100 %, gke 0 %"],
  ["while it is accepted", () => intent("accept"), good, "accepting", true, "cloud-run 100 %, gke 0 %"],
  ["before the first weight", () => entered("shifting"), good, "step 1 of 5, 1 %", true, "cloud-run 100 %, gke 0 %"],
  [
    "while a weight is written",
    () => intent("write-weights", 3),
    good,
    "step 2 of 5, 5 %",
    true,
    "cloud-run 99 %, gke 1 %, perhaps cloud-run 95 %, gke 5 % already",
  ],
  [
    "while a weight is verified",
    () => (event) => event.kind === "verified",
    good,
    "step 1 of 5, 1 %",
    true,
    "cloud-run 99 %, gke 1 %",
  ],
  ["in the bake", () => entered("baking"), good, "baking", true, "cloud-run 0 %, gke 100 %"],
  ["while the old side drains", () => entered("draining"), good, "draining", true, "cloud-run 0 %, gke 100 %"],
  [
    "before its entry is removed",
    () => entered("removing-entry"),
    good,
    "removing entry",
    true,
    "cloud-run 0 %, gke 100 %",
  ],
  ["before the balancer forgets it", () => entered("detaching"), good, "detaching", false, "gke 100 %"],
  ["while the balancer forgets it", () => intent("detach"), good, "detaching", false, "gke 100 %"],
  ["before the old side is removed", () => entered("removing"), good, "removing", false, "gke 100 %"],
  ["while it is removed", () => intent("remove"), good, "removing", false, "gke 100 %"],
  [
    "before the traffic of a bad candidate goes back",
    () => entered("returning"),
    bad,
    "returning",
    false,
    "cloud-run 99 %, gke 1 %",
  ],
  [
    "while a bad candidate drains",
    () => entered("draining-candidate"),
    bad,
    "draining candidate",
    false,
    "cloud-run 100 %, gke 0 %",
  ],
  [
    "before its entry goes",
    () => entered("withdrawing-entry"),
    bad,
    "withdrawing entry",
    false,
    "cloud-run 100 %, gke 0 %",
  ],
  [
    "before the balancer forgets the bad one",
    () => entered("detaching-candidate"),
    bad,
    "detaching candidate",
    false,
    "cloud-run 100 %",
  ],
  [
    "before the bad one is removed",
    () => entered("removing-candidate"),
    bad,
    "removing candidate",
    false,
    "cloud-run 100 %",
  ],
];

describe.each(cases)("Ctrl-C %s", (_name, moment, prepare, where, back, weights) => {
  it("stops at once, says where it stands and how to go on; resumed, it ends as it would have", async () => {
    const whole = new SwapWorld();
    prepare(whole);
    const expected = await whole.swap();

    const world = new SwapWorld();
    prepare(world);
    await world.writeStart();
    const controller = new AbortController();
    const isNow = moment();
    let linesAfter = 0;
    let thrown: unknown;
    try {
      await world.run(
        {
          onEvent(event) {
            if (controller.signal.aborted) linesAfter += 1;
            else if (isNow(event)) controller.abort();
          },
        },
        controller.signal,
      );
    } catch (error) {
      thrown = error;
    }
    const error = stopped(world.events(), thrown);
    if (!(error instanceof SwitchyardError)) throw error;
    expect(error).toMatchObject({ code: "cancelled", exitCode: 8, cause: thrown });
    expect(error.message).toContain(`Stopped (${where}). The swap's state is kept and traffic stays as it is (`);
    expect(error.message).toContain(`(${weights})`);
    expect(error.message.includes("on its way back to cloud-run: go on soon")).toBe(where === "returning");
    expect(error.next[0]).toBe("To go on:     npx switchyard swap resume --env local");
    expect(error.next.slice(1)).toEqual(back ? ["To go back:   npx switchyard swap abort --env local"] : []);
    // An effect in flight may end; nothing new begins.
    expect(linesAfter).toBeLessThanOrEqual(1);

    const state = await world.run();
    expect(state.end).toMatchObject({ as: expected.end?.as, reason: expected.end?.reason });
    expect(world.balancer.writes).toEqual(whole.balancer.writes);
    expect(world.operations).toEqual(whole.operations);
  });
});

describe("a disk that is full or read-only when a line of the journal is due", () => {
  it.each(["disk-full", "disk-read-only"] as const)(
    "%s ends the swap with its own code, nothing half done",
    async (code) => {
      const world = new SwapWorld();
      await world.writeStart();
      const failing = world.run({
        onEvent(event) {
          if (event.kind === "entered" && event.phase === "shifting" && event.step === 1) world.files.fail(code);
        },
      });
      await expect(failing).rejects.toMatchObject({ code, exitCode: 1 });
      // The weight of the step whose intent could not be written was not written either.
      expect(world.balancer.writes.at(-1)).toEqual({ "cloud-run": 99, gke: 1 });

      world.files.fail(undefined);
      expect((await world.run()).end?.as).toBe("completed");
    },
  );

  it("is told as it is, even after Ctrl-C: then the state is not kept", async () => {
    const world = new SwapWorld();
    await world.writeStart();
    const full = new SwitchyardError("disk-full", { message: "no space" });
    expect(stopped(world.events(), full)).toBe(full);
  });
});

describe("how a command on a swap ends", () => {
  async function ended(verb: "abort" | "rollback") {
    const world = new SwapWorld();
    return world.swap({
      onEvent(event) {
        if (event.kind === "entered" && event.phase === "baking") world.ask(verb);
      },
    });
  }

  it.each(["abort", "rollback"] as const)(
    "%s: well for the one who asked, with swap-failed for the one who drove",
    async (verb) => {
      const state = await ended(verb);
      expect(finish(state, verb)).toMatchObject({ state: verb === "abort" ? "aborted" : "rolled-back" });
      expect(() => finish(state, undefined)).toThrow(expect.objectContaining({ code: "swap-failed" }));
      expect(() => finish(state, "resume")).toThrow(expect.objectContaining({ code: "swap-failed" }));
    },
  );

  it("an abort that came too late says that the old side is gone, and how to go back", async () => {
    const state = await new SwapWorld().swap();
    expect(finish(state, undefined)).toMatchObject({ state: "completed" });
    expect(() => finish(state, "abort")).toThrow(
      expect.objectContaining({
        code: "swap-cannot-return",
        next: ["To go back:   npx switchyard swap start --to cloud-run --env local"],
      }),
    );
  });

  it("a deployment that fails waits for a person, with the reason and both ways on", async () => {
    const world = new SwapWorld();
    const error = new SwitchyardError("resource-failed", { message: "quota exceeded" });
    world.engineFailure = { stack: "gke.local", error };
    const state = await world.swap();
    expect(() => finish(state, undefined)).toThrow(
      expect.objectContaining({
        code: "swap-paused",
        message: "Swap 1 waits for a person: the candidate platform could not be brought up: quota exceeded",
        next: [
          "To try again:   npx switchyard swap resume --env local",
          "To go back:   npx switchyard swap abort --env local",
        ],
      }),
    );
  });
});
