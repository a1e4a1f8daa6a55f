/** What the metrics model takes of an environment's swaps. */
import { SwitchyardError } from "../errors.ts";
import { type SwapRun, swapRun } from "../metrics/swap-figures.ts";
import type { SwapStore } from "../swap/store.ts";

/** One journal that cannot be read does not hide the others; the caller is told. */
export async function readSwapRuns(
  store: Pick<SwapStore, "ids" | "read">,
  onUnreadable: (id: string, why: string) => void,
): Promise<readonly SwapRun[]> {
  const runs: SwapRun[] = [];
  for (const id of await store.ids()) {
    try {
      const record = await store.read(id);
      const run = record && swapRun(record.events);
      if (run !== undefined) runs.push(run);
    } catch (error) {
      if (!(error instanceof SwitchyardError) || !error.code.startsWith("journal-")) throw error;
      onUnreadable(id, error.message);
    }
  }
  return runs;
}
