import type { SideCounters } from "./counters.ts";
import type { ExchangeSurroundings } from "./exchange-surroundings.ts";
import type { RequestRecord } from "./feed.ts";
import type { RequestHead } from "./request-head.ts";
import type { Selection } from "./routing-table.ts";
import { endServerSpan, type ServerSpanBegin } from "./server-span.ts";

type Books = Pick<
  ExchangeSurroundings,
  "listener" | "underWay" | "counters" | "darkCounters" | "feed" | "log" | "now" | "tracing"
>;
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

/** Ends what `countBegin` began, or records a request that had no backend (no selection). `span`: of a request that is traced. */
export function countEnd(
  books: Books,
  selection: BackendSelection | undefined,
  head: RequestHead,
  method: string,
  result: Pick<RequestRecord, "status" | "firstByteMs" | "durationMs" | "outcome">,
  span: ServerSpanBegin | undefined,
): void {
  const { listener, underWay, feed, log, now, tracing } = books;
  const at = now();
  const side = selection?.side ?? "";
  if (selection !== undefined) underWay.set(side, (underWay.get(side) ?? 1) - 1);
  const { status, firstByteMs, durationMs, outcome } = result;
  const startedAt = at - durationMs;
  if (tracing !== undefined && span !== undefined)
    endServerSpan(tracing, span, { listener, side, method, status, outcome, startedAt, endedAt: at });
  log?.push({
    arrivedAt: startedAt,
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
