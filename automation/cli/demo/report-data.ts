import type { Summary } from "../../../tools/load-generator/messages.ts";
import type { SwapEvent, SwapState } from "../../swap/state.ts";

/** One look at the local cloud, once a second. */
export interface Sample {
  /** ms since the epoch. */
  readonly at: number;
  /** Share that the balancer's API was told last, percent by platform. */
  readonly asked: Readonly<Record<string, number>>;
  /** Share that the data plane applied, percent by platform. */
  readonly applied: Readonly<Record<string, number>>;
  /** Sum over a platform's instances. */
  readonly usage: Readonly<
    Record<string, { readonly instances: number; readonly cpuPercent: number; readonly memoryBytes: number }>
  >;
}

/** One act: a swap with its journal. */
export interface ReportSwap {
  readonly title: string;
  readonly state: SwapState;
  readonly events: readonly SwapEvent[];
}

/** Everything that the report shows. */
export interface ReportData {
  readonly startedAt: number;
  readonly endedAt: number;
  /** In words, for the title line. */
  readonly verdict: string;
  readonly good: boolean;
  readonly numbers: {
    readonly sent: number;
    readonly failed: number;
    readonly swapCaused: number;
    readonly candidateCaused: number;
    readonly detectMs: number | undefined;
    readonly rollbackMs: number | undefined;
    readonly longestStallMs: number;
  };
  readonly swaps: readonly ReportSwap[];
  readonly load: Summary;
  readonly samples: readonly Sample[];
  readonly facts: {
    readonly engine: string;
    readonly node: string;
    readonly profile: string;
    readonly machine: string;
    readonly feed: string;
    readonly rate: number;
  };
}
