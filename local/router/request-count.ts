import type { ExchangeSurroundings } from "./exchange-surroundings.ts";
import type { RequestRecord } from "./feed.ts";
import type { RequestHead } from "./request-head.ts";
import type { Selection } from "./routing-table.ts";

type Books = Pick<ExchangeSurroundings, "listener" | "underWay" | "counters" | "feed" | "log" | "now">;
type BackendSelection = Extract<Selection, { kind: "backend" }>;

/** User traffic is what users caused: neither a probe nor the dark route. */
function isUserTraffic(selection: BackendSelection | undefined, probe: boolean): boolean {
  return !probe && selection?.weighted !== false;
}

/** Counts a request under way on its side; only user traffic goes into the counters. */
export function countBegin(books: Books, selection: BackendSelection, probe: boolean): void {
  books.underWay.set(selection.side, (books.underWay.get(selection.side) ?? 0) + 1);
  if (isUserTraffic(selection, probe)) books.counters.begin(books.listener, selection.side);
}

/** Ends what `countBegin` began, or records a request that had no backend (no selection). */
export function countEnd(
  books: Books,
  selection: BackendSelection | undefined,
  head: RequestHead,
  method: string,
  result: Pick<RequestRecord, "status" | "firstByteMs" | "durationMs" | "outcome">,
): void {
  const { listener, underWay, counters, feed, log, now } = books;
  const at = now();
  const side = selection?.side ?? "";
  if (selection !== undefined) underWay.set(side, (underWay.get(side) ?? 1) - 1);
  const { status, firstByteMs, durationMs, outcome } = result;
  log?.push({
    arrivedAt: at - durationMs,
    durationMs,
    listener,
    backend: selection?.backend.name ?? "",
    method,
    host: head.host,
    path: head.path,
    userAgent: headerOf(head, "user-agent"),
    status,
    outcome,
  });
  if (!isUserTraffic(selection, head.probe)) return;
  if (selection !== undefined) {
    const error = outcome === "application" || outcome === "gateway";
    // How long a WebSocket stayed open (101) says nothing of the service's speed.
    counters.end(listener, side, error, outcome === "client" || status === 101 ? undefined : durationMs);
  }
  feed.push({ at, listener, side, status, firstByteMs, durationMs, outcome });
}

function headerOf({ headers }: RequestHead, name: string): string {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return headers[at + 1] ?? "";
  return "";
}
