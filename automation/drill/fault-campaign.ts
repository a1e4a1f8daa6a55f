/** Plays faults, one swap or failover each, and judges what the swap made of them. */
import type { EndState, SwapState } from "../swap/state.ts";
import { alertFindings } from "./alerting.ts";
import { playFailover } from "./failover-play.ts";
import { describeExpected, type Fault, type SwapFault } from "./fault.ts";
import { type Campaign, campaign, type FaultRow } from "./results.ts";
import type { EngineEnd } from "./simulation/engine.ts";
import { candidate, oldSide, SimulatedWorld } from "./simulation/world.ts";
import { codeOf, Stage } from "./stage.ts";

/** How long a person takes to find a swap that stopped, to repair and to say what is to be done, ms. */
const personMs = 30_000;
/** Times that a person comes; a swap that stops more often is not going to end. */
const visitsAtMost = 3;
/** A swap that has not ended by then never will, virtual ms. */
const patienceMs = 6 * 3_600_000;

/** Plays one fault. The same seed gives the same row; faults share no draws. */
export function playFault(fault: Fault, seed: number): Promise<FaultRow> {
  const own = seedOf(fault.name, seed);
  return "failover" in fault ? playFailover(fault, own) : playSwap(fault, own);
}

/** FNV-1a of the name, beside the campaign's seed. */
function seedOf(name: string, seed: number): number {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return seed + hash;
}

async function playSwap(fault: SwapFault, seed: number): Promise<FaultRow> {
  const world = new SimulatedWorld({ ...fault.world, seed });
  return world.clock.run(async () => {
    const stage = new Stage(world);
    fault.given(stage);
    await drive(stage, fault);
    const state = await stage.swap();
    return judge(fault, stage, state);
  });
}

/** Plays them one after the other. */
export async function faultCampaign(
  faults: readonly Fault[],
  seed: number,
  onRow: (row: FaultRow) => void = () => undefined,
): Promise<Campaign<FaultRow>> {
  const beganAt = performance.now();
  const rows: FaultRow[] = [];
  for (const fault of faults) {
    const row = await playFault(fault, seed);
    onRow(row);
    rows.push(row);
  }
  return campaign("faults", seed, rows, Math.round(performance.now() - beganAt));
}

/** Runs the swap to its end, with a person who comes when it stops. */
async function drive(stage: Stage, fault: SwapFault): Promise<void> {
  const { world } = stage;
  const end = world.clock.now() + patienceMs;
  let engine = stage.start();
  let ended: EngineEnd | undefined;
  let handled = 0;
  let visits = 0;
  const follow = (): void => {
    const watched = engine;
    ended = undefined;
    void watched.ended.then((how) => {
      if (engine === watched) ended = how;
    });
  };
  follow();
  while (world.clock.now() < end) {
    await world.clock.sleep(100);
    if (stage.engine !== undefined && stage.engine !== engine) {
      // The fault replaced the process.
      engine = stage.engine;
      follow();
      continue;
    }
    if (ended?.kind === "failed") stage.stops.push(codeOf(ended.error));
    if (ended?.kind === "rested" && ended.state.end !== undefined) break;
    const stopped = stage.stops.length > handled;
    if (!stopped) continue;
    if (visits === visitsAtMost) break;
    visits += 1;
    handled = stage.stops.length;
    await world.clock.sleep(personMs);
    stage.repair();
    stage.ask(fault.expected.operator ?? "resume");
    if (ended !== undefined) {
      engine = stage.start();
      follow();
    }
  }
  // Processes that stood still wake and end: what they do then counts too.
  await world.clock.sleep(120_000);
  for (const process of world.processes.all) process.kill();
}

function judge(fault: SwapFault, stage: Stage, state: SwapState | undefined): FaultRow {
  const { world, declared } = stage;
  const totals = world.balancer.totals();
  const touched = world.balancer.firstTouched();
  const since = touched ?? declared;
  const rollback = state?.rollback;
  const times =
    rollback === undefined || since === undefined
      ? { detectedInMs: undefined, detectedAfterRequests: undefined, acceptedInMs: undefined, verifiedInMs: undefined }
      : {
          detectedInMs: Math.max(0, rollback.decidedAt - since.at),
          detectedAfterRequests: Math.max(0, (stage.requestsAtDecision ?? since.requests) - since.requests),
          acceptedInMs: rollback.acceptedAt === undefined ? undefined : rollback.acceptedAt - rollback.decidedAt,
          verifiedInMs: rollback.verifiedAt === undefined ? undefined : rollback.verifiedAt - rollback.decidedAt,
        };
  const told = alertFindings(fault, stage.alerts.told);
  const row = {
    name: fault.name,
    title: fault.title,
    expected: describeExpected(fault.expected),
    ended: state?.end?.as ?? "not ended",
    reason: state?.end?.reason,
    stops: [...stage.stops],
    ...times,
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
    ...problemsOf(fault, row, stage),
    ...stage.findings,
    ...world.breaches.map(({ invariant, what }) => `${invariant}: ${what}`),
  ];
  if (state?.end !== undefined) problems.push(...leftovers(state.end.as, state, world));
  return { ...row, ok: problems.length === 0, problems };
}

function problemsOf({ expected }: SwapFault, row: Omit<FaultRow, "ok" | "problems">, stage: Stage): readonly string[] {
  const { ends, reasons, stopsFor = [], refuses = [], hurtAtMost = 0, detectedWithinMs } = expected;
  const { verifiedWithinMs = 5_000, resumedWithinMs = 20_000 } = expected;
  const problems: string[] = [];
  const above = (what: string, value: number | undefined, most: number | undefined): void => {
    if (value !== undefined && most !== undefined && value > most) problems.push(`${what}: ${value}, at most ${most}`);
  };
  if (stage.declared === undefined) problems.push("the fault never began");
  if (row.ended !== ends) problems.push(`it ended as ${row.ended}, not as ${ends}`);
  if (reasons !== undefined && !reasons.some((reason) => reason === row.reason))
    problems.push(`its reason was ${row.reason ?? "none"}, not ${reasons.join(" or ")}`);
  const stray = row.stops.find((stop) => !stopsFor.some((one) => one === stop));
  if (stray !== undefined) problems.push(`it stopped for ${stray}`);
  if (stopsFor.length > 0 && row.stops.length === 0) problems.push(`it did not stop for ${stopsFor.join(" or ")}`);
  if (refuses.join() !== stage.refusals.join())
    problems.push(`refused was ${stage.refusals.join() || "nothing"}, not ${refuses.join() || "nothing"}`);
  const survivor = stage.replaced.find((end) => end !== "lease-lost");
  if (survivor !== undefined) problems.push(`a process that had been replaced ended with ${survivor}, not lease-lost`);
  above("requests hurt", row.hurt, hurtAtMost);
  above("failures that the swap caused", row.swapCaused, 0);
  above("ms to detect", row.detectedInMs, detectedWithinMs);
  // The API's part of the way back; where the fault is in its way, the whole way has its own limit.
  above("ms until the way back was seen", row.verifiedInMs, verifiedWithinMs);
  if (verifiedWithinMs <= 5_000) above("ms until the way back was accepted", row.acceptedInMs, 2_000);
  above("ms until it was resumed", row.resumedInMs, resumedWithinMs);
  return problems;
}

/** What must not be left when a swap has ended like that. */
function leftovers(ended: EndState, state: SwapState, world: SimulatedWorld): readonly string[] {
  const { balancer, cloud } = world;
  const serving = ended === "completed" ? state.to : state.from;
  const problems: string[] = [];
  const astray = balancer.workers().find((weights) => weights[serving] !== 100);
  if (astray !== undefined) problems.push(`the data plane does not send everything to ${serving}`);
  const up = [...cloud.platforms.keys()].toSorted().join();
  const wanted =
    state.mode === "failover" || (ended === "aborted" && state.rollback !== undefined) ? undefined : serving;
  if (wanted !== undefined && up !== wanted) problems.push(`${up} is up, not ${wanted} alone`);
  if (wanted !== undefined && cloud.attached.join() !== wanted)
    problems.push(`the balancer knows ${cloud.attached.join()}`);
  if (world.balancer.inFlight(serving === oldSide ? candidate : oldSide) > 0)
    problems.push("requests are in flight on the side that was left");
  return problems;
}
