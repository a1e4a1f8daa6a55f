import type { ExchangeSurroundings } from "./exchange-surroundings.ts";
import type { RequestRecord } from "./feed.ts";
import type { Selection } from "./routing-table.ts";

type Books = Pick<ExchangeSurroundings, "underWay" | "counters" | "feed" | "now">;
type BackendSelection = Extract<Selection, { kind: "backend" }>;

/** User traffic is what users caused: neither a probe nor the dark route. */
function isUserTraffic(selection: BackendSelection | undefined, probe: boolean): boolean {
  return !probe && selection?.weighted !== false;
}

/** Counts a request under way on its side; only user traffic goes into the counters. */
export function countBegin(books: Books, selection: BackendSelection, probe: boolean): void {
  books.underWay.set(selection.side, (books.underWay.get(selection.side) ?? 0) + 1);
  if (isUserTraffic(selection, probe)) books.counters.begin(selection.side);
}

/** Ends what `countBegin` began, or records a request that had no backend (no selection). */
export function countEnd(
  books: Books,
  selection: BackendSelection | undefined,
  probe: boolean,
  result: Pick<RequestRecord, "status" | "firstByteMs" | "durationMs" | "outcome">,
): void {
  const { underWay, counters, feed, now } = books;
  const side = selection?.side ?? "";
  if (selection !== undefined) underWay.set(side, (underWay.get(side) ?? 1) - 1);
  if (!isUserTraffic(selection, probe)) return;
  const { status, firstByteMs, durationMs, outcome } = result;
  if (selection !== undefined) {
    const error = outcome === "application" || outcome === "gateway";
    counters.end(side, error, outcome === "client" ? undefined : durationMs);
  }
  feed.push({ at: now(), side, status, firstByteMs, durationMs, outcome });
}
