import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Attributes,
  noTracer,
  parseTraceparent,
  type SpanStart,
  type Tracer,
  type TraceScope,
  traceHeaders,
} from "../../../automation/ports/tracer.ts";
import { foldEvents } from "../../../automation/swap/fold.ts";
import type { SwapEvent, SwapState } from "../../../automation/swap/state.ts";
import { traceListener } from "../../../automation/swap/trace-listener.ts";
import { SwapWorld } from "../../support/swap-world.ts";

interface Told {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | undefined;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  readonly attributes: Attributes;
  readonly events: readonly string[];
  readonly error: string | undefined;
}

/** A tracer that remembers what has ended. */
function recorder() {
  const told: Told[] = [];
  const links: string[] = [];
  let unnamed = 0;
  const tracer: Tracer = {
    enabled: true,
    startSpan({ name, parent, traceId, spanId, startedAt, attributes: first }: SpanStart) {
      unnamed += 1;
      const context = {
        traceId: parent?.traceId ?? traceId ?? "c".repeat(32),
        spanId: spanId ?? String(unnamed).padStart(16, "0"),
        sampled: parent?.sampled ?? true,
      };
      let attributes = { ...first };
      const events: string[] = [];
      return {
        context,
        set: (more) => {
          attributes = { ...attributes, ...more };
        },
        event: (event) => void events.push(event),
        link: (other) => void links.push(other.traceId),
        end: ({ at: endedAt, error } = {}) =>
          void told.push({
            name,
            traceId: context.traceId,
            spanId: context.spanId,
            parent: parent?.spanId,
            startedAt,
            endedAt,
            attributes,
            events,
            error: error?.code,
          }),
      };
    },
    close: async () => undefined,
  };
  const command = tracer.startSpan({ name: "command" });
  const scope: TraceScope = { tracer, command, current: command.context };
  return { told, links, scope };
}

async function journalOf(world: SwapWorld): Promise<readonly SwapEvent[]> {
  await world.swap();
  return world.events();
}

/** Plays lines from `from` on to a process that finds the ones before. */
function play(scope: TraceScope, events: readonly SwapEvent[], from: number, to = events.length): void {
  const listener = traceListener(scope, events.slice(0, from));
  for (let at = from; at < to; at += 1) {
    const event = events[at];
    const state = foldEvents(events.slice(0, at + 1)) as SwapState;
    if (event !== undefined) listener.onEvent?.(event, state, undefined as never);
  }
}

const good = await journalOf(new SwapWorld());
const bad = await (async () => {
  const world = new SwapWorld();
  world.balancer.setSide("gke", { applicationErrors: 0.2 });
  return journalOf(world);
})();

describe("the spans of a swap", () => {
  it("are the swap, in it its phases and steps, in these the effects, each within the one around it", () => {
    const { told, scope } = recorder();
    play(scope, good, 1);
    const byId = new Map(told.map((span) => [span.spanId, span]));
    const root = told.find(({ name }) => name === "swap");
    expect(root).toMatchObject({
      attributes: { "switchyard.swap.end": "completed", "switchyard.journal": "swaps/1/journal" },
    });
    expect(new Set(told.map(({ traceId }) => traceId)).size).toBe(1);
    expect(byId.size).toBe(told.length);
    for (const span of told) {
      if (span === root) continue;
      const outer = byId.get(span.parent ?? "");
      expect(outer?.name, span.name).toMatch(span.name.startsWith("effect") ? /^phase / : /^swap$/);
      expect(span.startedAt).toBeGreaterThanOrEqual(outer?.startedAt ?? Number.POSITIVE_INFINITY);
      expect(span.endedAt).toBeLessThanOrEqual(outer?.endedAt ?? 0);
      expect(span.endedAt).toBeGreaterThanOrEqual(span.startedAt ?? Number.POSITIVE_INFINITY);
    }
    const count = (name: string): number => told.filter((span) => span.name === name).length;
    expect(count("effect write-weights")).toBe(7);
    expect([count("effect deploy"), count("effect attach"), count("effect accept"), count("effect remove")]).toEqual([
      1, 1, 1, 1,
    ]);
    expect(
      told.filter(({ name }) => name === "phase shifting").map(({ attributes }) => attributes["switchyard.weight"]),
    ).toEqual([1, 5, 25, 50, 100]);
    expect(told.find(({ attributes }) => attributes["switchyard.weight"] === 25)?.events).toContain("verified");
  });

  it("of one that goes back say why, and it counts as failed", () => {
    const { told, scope } = recorder();
    play(scope, bad, 1);
    const root = told.find(({ name }) => name === "swap");
    expect(root).toMatchObject({ error: expect.any(String), attributes: { "switchyard.swap.end": "rolled-back" } });
    expect(root?.events).toContain("rollback");
    expect(told.find(({ name }) => name === "phase returning")?.attributes["switchyard.reason"]).toBe(
      "candidate-errors",
    );
  });

  it("are the same, each told once, wherever another process takes over", () => {
    for (const events of [good, bad]) {
      const alone = recorder();
      play(alone.scope, events, 1);
      fc.assert(
        fc.property(fc.integer({ min: 1, max: events.length - 1 }), (place) => {
          const first = recorder();
          const second = recorder();
          play(first.scope, events, 1, place);
          play(second.scope, events, place);
          expect([...first.told, ...second.told]).toEqual(alone.told);
        }),
        { numRuns: 40 },
      );
    }
  });

  it("belong to the trace of the command that started the swap, also when another command goes on", () => {
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const [started, ...rest] = good;
    if (started?.kind !== "started") throw new Error("a journal begins with a start");
    const { told, links, scope } = recorder();
    play(scope, [{ ...started, trace: traceparent }, ...rest], 1);
    expect(new Set(told.map(({ traceId }) => traceId))).toEqual(new Set(["a".repeat(32)]));
    expect(told.find(({ name }) => name === "swap")?.parent).toBe("b".repeat(16));
    // The command that goes on has a trace of its own, and says which swap it drove.
    expect(links).toEqual(["a".repeat(32)]);
  });

  it("are what outgoing requests belong to: the effect while one is under way, else the phase, at last the command", () => {
    const { told, scope } = recorder();
    const current: string[] = [];
    for (let place = 1; place < good.length; place += 1) {
      play(scope, good, place, place + 1);
      current.push(parseTraceparent(traceHeaders(scope)["traceparent"])?.spanId ?? "");
    }
    const last = current.pop();
    expect(last).toBe(scope.command.context.spanId);
    const names = new Map(told.map(({ spanId, name }) => [spanId, name]));
    for (const [index, spanId] of current.entries()) {
      const event = good[index + 1];
      expect(names.get(spanId)).toMatch(
        event?.kind === "intent" ? new RegExp(`^effect ${event.effect.kind}$`) : /^(phase|effect) /,
      );
    }
  });

  it("cost nothing where nobody traces", () => {
    const command = noTracer.startSpan({ name: "command" });
    expect(traceListener({ tracer: noTracer, command, current: command.context }, good)).toEqual({});
  });
});
