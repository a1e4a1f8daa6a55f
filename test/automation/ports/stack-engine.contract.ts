/** What every StackEngine does; run on the fake and on the real engine. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { StackEngine, StackProgress } from "../../../automation/ports/stack-engine.ts";

/**
 * An engine whose program `shop` declares the things `first` and then `second`, of the size that the setting
 * `switchyard:size` names (default small), with outputs size, address, both and the secret key. No other program but `other`, the same.
 */
export interface StackEngineHarness {
  readonly engine: StackEngine;
  /** Sets what happens in every create, by the thing's name. */
  onCreate(hook: (name: string) => Promise<void>): void;
  /** Names of the things that exist. */
  things(): readonly string[];
  close(): Promise<void>;
}

const stack = "shop.local";

export function stackEngineContract(name: string, start: () => Promise<StackEngineHarness>, timeoutMs: number): void {
  describe(name, { timeout: timeoutMs }, () => {
    const given = async (): Promise<StackEngineHarness> => {
      const harness = await start();
      onTestFinished(() => harness.close());
      return harness;
    };

    test("a stack that was never brought up has no outputs and cannot be refreshed or destroyed", async () => {
      const { engine } = await given();
      const notFound = expect.objectContaining({ code: "stack-not-found", exitCode: 6 });
      await expect(engine.outputs(stack)).rejects.toEqual(notFound);
      await expect(engine.resources(stack)).rejects.toEqual(notFound);
      await expect(engine.refresh(stack)).rejects.toEqual(notFound);
      await expect(engine.destroy(stack)).rejects.toEqual(notFound);
      expect(await engine.list()).toEqual([]);
    });

    test("a stack of no known program is refused", async () => {
      const { engine } = await given();
      await expect(engine.up("nothing.local")).rejects.toMatchObject({ code: "unknown-stack" });
    });

    test("up creates, reports and returns outputs; a second up changes nothing", async () => {
      const { engine, things } = await given();
      const progress: StackProgress[] = [];
      const first = await engine.up(stack, { onProgress: (each) => progress.push(each) });
      expect(first).toMatchObject({ stack, changes: { create: 3 }, outputs: { size: "small", key: "[secret]" } });
      expect(things()).toEqual(["first", "second"]);
      const created = progress.filter(({ operation }) => operation === "create");
      expect(created.map(({ resource, state }) => `${resource.split(" ").at(-1)} ${state}`)).toEqual([
        "first started",
        "first done",
        "second started",
        "second done",
      ]);
      const second = await engine.up(stack);
      expect(second.changes).toEqual({ same: 3 });
      expect(second.outputs).toEqual(first.outputs);
      expect(await engine.outputs(stack)).toEqual(first.outputs);
      expect((await engine.refresh(stack)).changes).toEqual({ same: 3 });
      const inState = (await engine.resources(stack)).filter(
        ({ type, custom }) => custom && !type.startsWith("pulumi:"),
      );
      expect(
        inState.map(({ urn, inputs, outputs }) => [urn.split("::").at(-1), inputs["size"], outputs["size"]]),
      ).toEqual([
        ["first", "small", "small"],
        ["second", "small", "small"],
      ]);
    });

    test("settings are kept from one operation to the next, and a changed one updates", async () => {
      const { engine } = await given();
      await engine.configure(stack, { "switchyard:size": "large" });
      expect((await engine.up(stack)).outputs).toMatchObject({ size: "large" });
      expect((await engine.up(stack, { config: { "switchyard:size": "huge" } })).changes).toMatchObject({ update: 2 });
      expect((await engine.up(stack)).outputs).toMatchObject({ size: "huge" });
    });

    test("configure makes the stack and runs nothing", async () => {
      const { engine, things } = await given();
      await engine.configure(stack, { "switchyard:size": "large" });
      expect(await engine.outputs(stack)).toEqual({});
      expect(things()).toEqual([]);
      expect(await engine.list()).toMatchObject([{ stack, resources: 0 }]);
    });

    test("preview says what would be and does nothing", async () => {
      const { engine, things } = await given();
      expect((await engine.preview(stack)).changes).toEqual({ create: 3 });
      expect(things()).toEqual([]);
    });

    test("destroy deletes everything and keeps the empty stack", async () => {
      const { engine, things } = await given();
      await engine.up(stack);
      expect((await engine.destroy(stack)).changes).toEqual({ delete: 3 });
      expect(things()).toEqual([]);
      expect(await engine.outputs(stack)).toEqual({});
      expect(await engine.list()).toMatchObject([{ stack, resources: 0 }]);
    });

    test("a second operation on a stack waits for the first; another stack does not", async () => {
      const { engine, onCreate } = await given();
      const gate = Promise.withResolvers<void>();
      const reached = Promise.withResolvers<void>();
      onCreate(async () => {
        reached.resolve();
        await gate.promise;
      });
      const order: string[] = [];
      const first = engine.up(stack).then((result) => order.push(`first ${JSON.stringify(result.changes)}`));
      await reached.promise;
      onCreate(async () => undefined);
      const second = engine.up(stack).then((result) => order.push(`second ${JSON.stringify(result.changes)}`));
      await engine.configure("other.local", {});
      order.push("other");
      gate.resolve();
      await Promise.all([first, second]);
      expect(order).toEqual(["other", 'first {"create":3}', 'second {"same":3}']);
    });

    test("a resource that the provider refuses is named with the provider's words, and a later up goes on", async () => {
      const { engine, onCreate, things } = await given();
      onCreate(async (thing) => {
        if (thing === "second") throw new Error("Error 403: Quota 'THINGS' exceeded, no stack named 'x' found");
      });
      const failure = {
        code: "resource-failed",
        exitCode: 4,
        message: expect.stringContaining("Error 403: Quota 'THINGS' exceeded"),
        data: { resources: [{ urn: expect.stringMatching(/^urn:pulumi:shop\.local::.*second$/) }] },
      };
      await expect(engine.up(stack)).rejects.toMatchObject(failure);
      expect(things()).toEqual(["first"]);
      onCreate(async () => undefined);
      expect((await engine.up(stack)).outputs).toMatchObject({ size: "small" });
      expect(things()).toEqual(["first", "second"]);
    });

    test("a cancelled up ends after what is in flight, and a later up goes on", async () => {
      const { engine, onCreate, things } = await given();
      const stop = new AbortController();
      onCreate(async (thing) => {
        if (thing === "first") stop.abort(new Error("Ctrl-C"));
      });
      await expect(engine.up(stack, { signal: stop.signal })).rejects.toMatchObject({
        code: "engine-cancelled",
        exitCode: 8,
      });
      expect(things()).toEqual(["first"]);
      expect((await engine.up(stack)).changes).toMatchObject({ create: expect.any(Number) });
      expect(things()).toEqual(["first", "second"]);
    });

    test("an operation that was given up while it waited never starts", async () => {
      const { engine, things } = await given();
      const stop = new AbortController();
      stop.abort(new Error("given up"));
      await expect(engine.up(stack, { signal: stop.signal })).rejects.toMatchObject({ code: "engine-cancelled" });
      expect(things()).toEqual([]);
      expect(await engine.list()).toEqual([]);
    });
  });
}
