import type { SideCounters } from "./counters.ts";
import type { ExchangeSurroundings } from "./exchange-surroundings.ts";
import type { RequestRecord } from "./feed.ts";
import type { RequestHead } from "./request-head.ts";
import type { Selection } from "./routing-table.ts";

type Books = Pick<ExchangeSurroundings, "listener" | "underWay" | "counters" | "darkCounters" | "feed" | "log" | "now">;
type BackendSelection = Extract<Selection, { kind: "backend" }>;

/** User traffic is what users caused: neither a probe nor the dark route. */
function isUserTraffic(selection: BackendSelection | undefined, probe: boolean): boolean {
  return !probe && selection?.weighted !== false;
}

/** Where a request is counted: probes nowhere, those of the dark route apart from the users'. */
function countersOf(books: Books, selection: BackendSelection, probe: boolean): SideCounters | undefined {
  if (probe) return undefined;
  return isUserTraffic(selection, probe) ? books.counters : books.darkCounters;
}

/** Counts a request under way on its side. */
export function countBegin(books: Books, selection: BackendSelection, probe: boolean): void {
  books.underWay.set(selection.side, (books.underWay.get(selection.side) ?? 0) + 1);
  countersOf(books, selection, probe)?.begin(books.listener, selection.side);
}

/** Ends what `countBegin` began, or records a request that had no backend (no selection). */
export function countEnd(
  books: Books,
  selection: BackendSelection | undefined,
  head: RequestHead,
  method: string,
  result: Pick<RequestRecord, "status" | "firstByteMs" | "durationMs" | "outcome">,
): void {
  const { listener, underWay, feed, log, now } = books;
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
  if (selection !== undefined) {
    // How long a WebSocket stayed open (101) says nothing of the service's speed.
    const times = outcome === "client" || status === 101 ? undefined : { firstByteMs, durationMs };
    countersOf(books, selection, head.probe)?.end(listener, side, outcome, times);
  }
  if (!isUserTraffic(selection, head.probe)) return;
  feed.push({ at, listener, side, status, firstByteMs, durationMs, outcome });
}

function headerOf({ headers }: RequestHead, name: string): string {
  for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return headers[at + 1] ?? "";
  return "";
}
