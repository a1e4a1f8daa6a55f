/** Plays one fault outside a swap with the real watch and the real engine, and judges where the traffic went. */
import type { SwapRecord } from "../swap/store.ts";
import { alertFindings } from "./alerting.ts";
import { describeMoves, type FailoverFault } from "./fault.ts";
import type { FaultRow } from "./results.ts";
import { candidate, oldSide, SimulatedWorld } from "./simulation/world.ts";
import { WatchStage } from "./watch-stage.ts";

const dayMs = 86_400_000;
/** One slice of the default window, a look, and what was in flight. */
const lookingMs = 4_000;

/** The same seed gives the same row. */
export async function playFailover(fault: FailoverFault, seed: number): Promise<FaultRow> {
  const world = new SimulatedWorld({ mode: "failover", ...fault.world, seed });
  return world.clock.run(async () => {
    const stage = new WatchStage(world, fault.failover);
    fault.given(stage);
    stage.watch();
    await world.clock.sleep(fault.lastsMs);
    for (const watcher of stage.watchers) watcher.stop();
    // Whatever they still do counts.
    await world.clock.sleep(120_000);
    for (const process of world.processes.all) process.kill();
    return judge(fault, stage, await failoversOf(stage));
  });
}

async function failoversOf({ swaps }: WatchStage): Promise<readonly SwapRecord[]> {
  const records = await Promise.all((await swaps.ids()).map((id) => swaps.read(id)));
  return records.filter((record) => record !== undefined).filter(({ state }) => state.mode === "failover");
}

function judge(fault: FailoverFault, stage: WatchStage, failovers: readonly SwapRecord[]): FaultRow {
  const { world, declared, decisions } = stage;
  const totals = world.balancer.totals();
  const since = world.balancer.firstTouched() ?? declared;
  const [first] = decisions;
  const moved = failovers.filter(({ state }) => state.end?.as === "completed");
  const eventAt = (kind: "outcome" | "verified"): number | undefined =>
    moved[0]?.events.findLast((event) => event.kind === kind)?.at;
  const after = (at: number | undefined): number | undefined =>
    at === undefined || first === undefined ? undefined : at - first.at;
  const proposals = decisions.filter(({ decision }) => decision.kind === "propose").length;
  const told = alertFindings(fault, stage.alerts.told);
  const row = {
    name: fault.name,
    title: fault.title,
    expected: describeMoves(fault.expected),
    ended: describeMoves({ moves: moved.map(({ state }) => state.to), proposals }),
    reason: moved.at(-1)?.state.end?.reason ?? stage.left.at(-1),
    stops: [...stage.stops, ...stage.refusals],
    detectedInMs: first === undefined || since === undefined ? undefined : first.at - since.at,
    detectedAfterRequests: first === undefined || since === undefined ? undefined : first.requests - since.requests,
    acceptedInMs: after(eventAt("outcome")),
    verifiedInMs: after(eventAt("verified")),
    requests: totals.requests,
    hurt: totals.failed.fault,
    slowed: totals.slowed,
    swapCaused: totals.failed.swap,
    resumedInMs: stage.resumedInMs,
    alerts: told.alerts,
    missedAlerts: told.missedAlerts,
    expectedAlerts: told.expectedAlerts,
  };
  const problems = [
    ...told.problems,
    ...limitProblems(fault, row, stage),
    ...trafficProblems(fault, stage, failovers),
    ...world.breaches.map(({ invariant, what }) => `${invariant}: ${what}`),
  ];
  return { ...row, ok: problems.length === 0, problems };
}

function limitProblems(
  { expected }: FailoverFault,
  row: Omit<FaultRow, "ok" | "problems">,
  stage: WatchStage,
): readonly string[] {
  const { moves, proposals = 0, refuses = [], holds = [], stopsFor = [] } = expected;
  const { detectedWithinMs = stage.settings.windowMs + lookingMs, detectedAfterMs = 0 } = expected;
  const problems: string[] = [];
  const above = (what: string, value: number | undefined, most: number): void => {
    if (value !== undefined && value > most) problems.push(`${what}: ${value}, at most ${most}`);
  };
  if (stage.declared === undefined) problems.push("the fault never began");
  if (row.ended !== row.expected) problems.push(`it was ${row.ended}, not ${row.expected}`);
  const decided = stage.decisions.length;
  // A move that is refused was decided, too.
  const most = moves.length + proposals + refuses.length;
  if (decided > most) problems.push(`${decided} decisions to move or propose, at most ${most}`);
  for (const { decision } of stage.decisions)
    if (decision.to === decision.from || decision.to === undefined) problems.push("a decision names no standby");
  if (stage.refusals.join() !== refuses.join())
    problems.push(`refused was ${stage.refusals.join() || "nothing"}, not ${refuses.join() || "nothing"}`);
  if (stage.stops.join() !== stopsFor.join())
    problems.push(`it stopped for ${stage.stops.join() || "nothing"}, not for ${stopsFor.join() || "nothing"}`);
  for (const reason of holds)
    if (!stage.left.includes(reason)) problems.push(`it was never left where it is for ${reason}`);
  if (row.detectedInMs !== undefined && row.detectedInMs < detectedAfterMs)
    problems.push(`ms to detect: ${row.detectedInMs}, at least ${detectedAfterMs}`);
  above("ms to detect", row.detectedInMs, detectedWithinMs);
  above("ms until the move was seen", row.verifiedInMs, expected.verifiedWithinMs ?? 5_000);
  above("ms until it was resumed", row.resumedInMs, expected.resumedWithinMs ?? 20_000);
  above("requests hurt", row.hurt, expected.hurtAtMost ?? 0);
  above("failures that the failover caused", row.swapCaused, 0);
  return problems;
}

/** What holds of every failover, whatever the fault is. */
function trafficProblems(
  { expected }: FailoverFault,
  { world, settings }: WatchStage,
  failovers: readonly SwapRecord[],
): readonly string[] {
  const { balancer, cloud } = world;
  const problems: string[] = [];
  const wanted = [oldSide, ...expected.moves];
  // Not by what the journal says: by what the balancer was told.
  const carried = [{ [oldSide]: 100 }, ...balancer.writes]
    .map((weights) => carrierOf(weights))
    .filter((name, index, all) => name !== all[index - 1]);
  if (carried.join() !== wanted.join()) problems.push(`the traffic went to ${carried.join()}, not ${wanted.join()}`);
  const last = wanted.at(-1) ?? oldSide;
  if (balancer.workers().some((weights) => carrierOf(weights) !== last))
    problems.push(`the data plane does not send everything to ${last}`);
  const both = [oldSide, candidate].toSorted().join();
  if ([...cloud.platforms.keys()].toSorted().join() !== both) problems.push(`${both} are not both up`);
  if (cloud.attached.toSorted().join() !== both) problems.push(`the balancer knows ${cloud.attached.join()}`);
  const open = failovers.find(({ state }) => state.end === undefined);
  if (open !== undefined) problems.push(`failover ${open.state.id} has not ended`);
  const begun = failovers.map(({ state }) => state.startedAt);
  for (const [index, at] of begun.entries()) {
    const before = begun[index - 1];
    if (before !== undefined && at - before < settings.dwellMs)
      problems.push(`a failover began ${at - before} ms after the last one, dwell is ${settings.dwellMs}`);
    if (begun.filter((other) => other <= at && other > at - dayMs).length > settings.maxMoves)
      problems.push(`more than ${settings.maxMoves} failovers within a day`);
  }
  return problems;
}

/** The side that has everything; in words where none has. */
function carrierOf(weights: Readonly<Record<string, number>>): string {
  return Object.entries(weights).find(([, share]) => share === 100)?.[0] ?? `split ${JSON.stringify(weights)}`;
}
