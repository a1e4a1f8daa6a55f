/**
 * Brings a state store up to date. Format 1 was journals in files, without fencing tokens and with fewer settings; owners and
 * wishes of swaps that have ended mean nothing any more and stay where they are. Everything is checked before anything is
 * written, and the store's mark comes last, so that a migration that was cut short is only run again.
 */
import { join } from "node:path";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import { headKeyOf, headText } from "../hash-chain.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { StateStore } from "../ports/state-store.ts";
import { foldEvents } from "./fold.ts";
import { gateProfileNames } from "./gate-settings.ts";
import { firstPrevious, hashOf, lineOf } from "./journal.ts";
import { hotSwapConfig, platformConfig, type SwapSettings, toSwapSettings } from "./settings.ts";
import { journalFormat, type SwapEvent, swapEvent } from "./state.ts";
import { journalKey } from "./store.ts";
import { assertStoreFormat, formatKey, storeFormat } from "./store-format.ts";

export interface MigrateOptions {
  readonly files: FileSystem;
  /** Where the files of format 1 are; also the file store's. */
  readonly folder: string;
  readonly store: StateStore;
  readonly environment: string;
}

export interface Migration {
  /** Numbers of the swaps whose journals were rewritten, oldest first. */
  readonly swaps: readonly string[];
  /** Journals of format 1 that were kept. */
  readonly kept: readonly string[];
}

const line1 = z.object({ n: z.number().int(), prev: z.string(), event: z.looseObject({ kind: z.string() }) });

const settings1 = z.object({
  healthCheckTimeoutMs: z.number(),
  trafficShiftDurationMs: z.number(),
  rollbackThreshold: z.number(),
  monitoringIntervalMs: z.number(),
  ramp: z.array(z.number()),
  profile: z.enum(gateProfileNames),
  afterRollback: z.enum(["remove", "keep"]),
  drainTimeoutMs: z.number(),
  performanceThresholdMs: z.number(),
  errorAlpha: z.number(),
  consecutiveGatewayErrors: z.number(),
});

/**
 * Idempotent. Errors: swap-interrupted (a swap of format 1 is open; nothing is written), journal-corrupt, state-format (the
 * store is newer), those of the disk and the store.
 */
export async function migrateStore(options: MigrateOptions): Promise<Migration> {
  const { files, folder, store, environment } = options;
  if ((await store.read(formatKey)) !== undefined) {
    await assertStoreFormat(store, environment);
    return { swaps: [], kept: [] };
  }
  const rewritten: { readonly id: string; readonly before: string; readonly after: string }[] = [];
  const ids = await swapIds(options);
  for (const id of ids) {
    const before = (await files.read(journalPath(folder, id))) ?? "";
    const after = rewriteJournal(before, { path: journalPath(folder, id), environment });
    if (after !== undefined) rewritten.push({ id, before, after });
  }
  for (const { id, before, after } of rewritten) {
    await files.writeAtomic(keptPath(folder, id), before);
    await files.writeAtomic(journalPath(folder, id), after);
  }
  // Also of those that an attempt before this one had rewritten.
  for (const id of ids) await markHead(store, id);
  if ((await store.write(formatKey, String(storeFormat), 0)) === undefined) await assertStoreFormat(store, environment);
  return { swaps: rewritten.map(({ id }) => id), kept: rewritten.map(({ id }) => keptPath(folder, id)) };
}

/** A store that is not in these files has no such journal, and needs no mark. */
async function markHead(store: StateStore, id: string): Promise<void> {
  const lines = (await store.readLog(journalKey(id)))?.lines ?? [];
  const last = lines.at(-1);
  if (last === undefined) return;
  // Where there is a mark already it is the same: nobody writes to a store without a format.
  await store.write(headKeyOf(journalKey(id)), headText({ n: lines.length, hash: hashOf(last) }), 0);
}

async function swapIds({ files, folder }: MigrateOptions): Promise<readonly string[]> {
  const names = await files.list(join(folder, "swaps"));
  return names.filter((name) => /^\d+$/.test(name)).toSorted((a, b) => Number(a) - Number(b));
}

const journalPath = (folder: string, id: string): string => join(folder, "swaps", id, "journal.jsonl");
const keptPath = (folder: string, id: string): string => join(folder, "swaps", id, "journal.format-1.jsonl");

/**
 * Pure: the text in today's format; undefined when it is not of format 1 (rewritten already, or without a start). What a crash
 * left behind the last line was never acted upon and is left out. Errors: swap-interrupted, journal-corrupt.
 */
export function rewriteJournal(
  text: string,
  place: { readonly path: string; readonly environment: string },
): string | undefined {
  const lines = text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .slice(0, -1);
  const [first] = lines;
  if (first === undefined || formatOf(first) === journalFormat) return undefined;
  const events: SwapEvent[] = [];
  let previous = firstPrevious;
  for (const [index, raw] of lines.entries()) {
    const number = index + 1;
    const parsed = line1.safeParse(parseJson(raw));
    if (!parsed.success || parsed.data.n !== number || parsed.data.prev !== previous)
      throw corrupt(place.path, number, "it does not follow the line before it");
    events.push(upgradeEvent(parsed.data.event, place.path, number));
    previous = hashOf(raw);
  }
  const state = foldEvents(events);
  if (state === undefined) throw corrupt(place.path, 1, "a journal begins with the start of a swap");
  if (state.end === undefined) {
    throw new SwitchyardError("swap-interrupted", {
      message: `Swap ${state.id} of environment ${place.environment} (${state.from} -> ${state.to}) has not ended, and only the version of Switchyard that began it can end it. Nothing was changed`,
      next: [
        `With that version:   npx switchyard swap abort --env ${place.environment}`,
        `Then with this one:  npx switchyard state migrate --env ${place.environment}`,
      ],
    });
  }
  return writeLines(events);
}

function writeLines(events: readonly SwapEvent[]): string {
  let previous = firstPrevious;
  let text = "";
  for (const [index, event] of events.entries()) {
    const raw = lineOf({ n: index + 1, prev: previous, fence: 0, event });
    text += `${raw}\n`;
    previous = hashOf(raw);
  }
  return text;
}

const startOnly = z.object({ event: z.object({ kind: z.literal("started"), format: z.number() }) });

function formatOf(raw: string): number | undefined {
  const parsed = startOnly.safeParse(parseJson(raw));
  return parsed.success ? parsed.data.event.format : undefined;
}

/** Errors: journal-corrupt. */
function upgradeEvent(event: Readonly<Record<string, unknown>>, path: string, number: number): SwapEvent {
  const parsed = swapEvent.safeParse(upgraded(event, path, number));
  if (parsed.success) return parsed.data;
  throw corrupt(path, number, `it says what no swap says: ${z.prettifyError(parsed.error)}`);
}

function upgraded(event: Readonly<Record<string, unknown>>, path: string, number: number): unknown {
  switch (event["kind"]) {
    case "started": {
      const settings = upgradeSettings(event["settings"], path, number);
      return { ...event, format: journalFormat, mode: "swap", settings };
    }
    case "verified":
      // When its probes began was not written then; nothing rests on it in a swap that has ended.
      return { ...event, since: event["at"] };
    default:
      return event;
  }
}

/** What the swap ran with, and today's defaults for what there was not then. */
function upgradeSettings(value: unknown, path: string, number: number): SwapSettings {
  const parsed = settings1.safeParse(value);
  if (!parsed.success) throw corrupt(path, number, `its settings are none: ${z.prettifyError(parsed.error)}`);
  const { errorAlpha, consecutiveGatewayErrors, ...same } = parsed.data;
  const today = toSwapSettings(hotSwapConfig.parse({ profile: same.profile }), platformConfig.parse({}));
  return {
    ...today,
    ...same,
    holdMs: Math.max(today.holdMs, same.trafficShiftDurationMs / same.ramp.length),
    gates: { ...today.gates, errorAlpha, consecutiveGatewayErrors },
  };
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function corrupt(path: string, number: number, what: string): SwitchyardError {
  return new SwitchyardError("journal-corrupt", {
    message: `The journal ${path} (format 1) is damaged at line ${number}: ${what}. Nothing was changed`,
    next: [`To keep it and go on without it:   mv ${path} ${path}.damaged`],
    data: { path, line: number },
  });
}
