/** Where a swap is drawn, and a whole swap to draw. */
import { Writable } from "node:stream";
import type { RunListener } from "../../automation/swap/run.ts";
import type { SwapEvent, SwapState } from "../../automation/swap/state.ts";
import { SwapWorld } from "./swap-world.ts";

export interface Screen {
  readonly stream: NodeJS.WriteStream;
  /** Everything that was written. */
  raw(): string;
  /** What stands there in the end, a line each, as a terminal shows it. */
  lines(): readonly string[];
}

/** A terminal of that many columns; without columns a file. */
export function screen({ columns }: { readonly columns?: number }): Screen {
  let text = "";
  const writable = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  return {
    stream: Object.assign(writable, { isTTY: columns !== undefined, columns }) as unknown as NodeJS.WriteStream,
    raw: () => text,
    lines: () =>
      text
        .split("\n")
        .map((line) => line.split("\r\u001b[2K").at(-1) ?? "")
        .filter((line) => line !== ""),
  };
}

/** Makes the candidate fail that share of requests, in itself or at the balancer. */
export function gkeFailing(applicationErrors: number, gatewayErrors = 0): (world: SwapWorld) => void {
  return (world) => world.balancer.setSide("gke", { applicationErrors, gatewayErrors });
}

/** One swap from start to end on a virtual clock. */
export async function swapOf(options: {
  readonly prepare?: (world: SwapWorld) => void;
  readonly listener?: RunListener;
}): Promise<{ readonly state: SwapState; readonly events: readonly SwapEvent[] }> {
  const world = new SwapWorld();
  options.prepare?.(world);
  const state = await world.swap(options.listener);
  return { state, events: world.events() };
}
