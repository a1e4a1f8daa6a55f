/** Checks, notifiers and language models that a team wrote itself: loaded from a package or from a file of the checkout. */
import { realpath } from "node:fs/promises";
import { createRequire } from "node:module";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { HealthCheck } from "../ports/health-check.ts";
import type { LanguageModel } from "../ports/language-model.ts";
import type { Notifier } from "../ports/notifier.ts";
import { abortable } from "./abortable.ts";
import { undelivered } from "./notifier-request.ts";

/** An entry of the configuration. */
export interface CustomModule {
  /** A package, or a path from the checkout that begins with a dot or a slash. */
  readonly module: string;
  /** Export with a class; it is made with the options. */
  readonly class?: string | undefined;
  /** Export with an object or a function; default the default export. */
  readonly export?: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
}

interface Loaded {
  readonly name: string;
  readonly value: unknown;
}

const unusable = (name: string, why: string, cause?: unknown): SwitchyardError =>
  new SwitchyardError("module-unusable", { message: `${name}: ${why}`, cause });

/** For the import of a module: its own code may wait for something there. */
const loadingMs = 10_000;

/** Of what a notifier says of itself, letters. */
const sayMost = 200;

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Errors: module-unusable. */
async function load(entry: CustomModule, root: string): Promise<Loaded> {
  const wanted = entry.class ?? entry.export ?? "default";
  const name = `${entry.module}#${wanted}`;
  const exports = await importModule(entry.module, root, name);
  const value = exports[wanted];
  if (value === undefined) {
    const there = Object.keys(exports);
    throw unusable(name, `it has no export ${wanted}; it has ${there.length === 0 ? "none" : there.join(", ")}`);
  }
  if (entry.class === undefined) return { name, value };
  if (typeof value !== "function") throw unusable(name, `${wanted} is no class`);
  try {
    const made: unknown = Reflect.construct(value, [entry.options]);
    return { name, value: made };
  } catch (error) {
    throw unusable(name, `its constructor failed: ${reason(error)}`, error);
  }
}

async function importModule(module: string, root: string, name: string): Promise<Readonly<Record<string, unknown>>> {
  const path = /^[./]/.test(module) || isAbsolute(module) ? await pathInside(module, root, name) : undefined;
  try {
    const found = path ?? createRequire(join(root, "package.json")).resolve(module);
    const exports: unknown = await inTime(() => import(pathToFileURL(found).href), loadingMs);
    return z.record(z.string(), z.unknown()).parse({ ...(typeof exports === "object" ? exports : {}) });
  } catch (error) {
    throw unusable(name, `it cannot be loaded: ${reason(error)}`, error);
  }
}

/** Links are followed: code comes from the checkout that was reviewed, and from nowhere else. */
async function pathInside(module: string, root: string, name: string): Promise<string> {
  let path: string;
  try {
    path = await realpath(resolve(root, module));
  } catch (error) {
    throw unusable(name, `there is no file ${resolve(root, module)}`, error);
  }
  const inside = relative(await realpath(root), path);
  if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside))
    throw unusable(name, "it is outside of the checkout");
  return path;
}

/** Its answer, or none in time: it may listen to the signal, and is not waited for when it does not. */
async function inTime<Value>(
  work: (signal: AbortSignal) => Promise<Value>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Value> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const both = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
  try {
    return await abortable(work(both), both);
  } finally {
    clearTimeout(timer);
  }
}

type Method = (...values: readonly unknown[]) => unknown;

/** A method of an object or of an instance. */
function methodOf(value: unknown, method: string): Method | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const found: unknown = Reflect.get(value, method);
  if (typeof found !== "function") return undefined;
  return (...values) => Reflect.apply(found, value, values);
}

/** An object with the method, or the function itself. Errors: module-unusable. */
function callable({ name, value }: Loaded, method: string): Method {
  if (typeof value === "function") return (...values) => Reflect.apply(value, undefined, values);
  const found = methodOf(value, method);
  if (found === undefined) throw unusable(name, `it has no method ${method}`);
  return found;
}

/** A class or object with `run(cluster, tools)`, or that function. Errors: module-unusable. */
export async function loadHealthCheck(entry: CustomModule, root: string): Promise<HealthCheck> {
  const loaded = await load(entry, root);
  const run = callable(loaded, "run");
  return { name: loaded.name, options: entry.options, run: async (cluster, tools) => run(cluster, tools) };
}

const delivery = z.discriminatedUnion("delivered", [
  z.object({ delivered: z.literal(true) }),
  z.object({
    delivered: z.literal(false),
    why: z.string(),
    refused: z.boolean().default(false),
    retryAfterMs: z.number().optional(),
  }),
]);

export interface NotifierLimits {
  /** Time for one notice, ms. */
  readonly timeoutMs: number;
  /** What it says, without secrets. */
  clean(text: string): string;
}

/**
 * A class or object with `notify(notice, signal)`, or that function; it answers `{ delivered: true }`, or `{ delivered: false, why }`, or with nothing
 * when it told people. What it throws, and no answer in time, is a delivery that failed. Errors: module-unusable.
 */
export async function loadNotifier(
  entry: CustomModule,
  root: string,
  { timeoutMs, clean }: NotifierLimits,
): Promise<Notifier> {
  const loaded = await load(entry, root);
  const notify = callable(loaded, "notify");
  const said = (text: string): string => {
    const line = clean(text).replaceAll(/\s+/g, " ").trim();
    return line.length > sayMost ? `${line.slice(0, sayMost)}…` : line;
  };
  return {
    description: loaded.name,
    async notify(notice, signal) {
      signal?.throwIfAborted();
      try {
        // A copy: others are told of the same alert.
        const answer = await inTime(async (both) => notify(structuredClone(notice), both), timeoutMs, signal);
        if (answer === undefined) return { delivered: true };
        const parsed = delivery.safeParse(answer);
        if (!parsed.success) return undelivered(`${loaded.name}: its answer is not understood`);
        if (parsed.data.delivered) return { delivered: true };
        const { why, refused, retryAfterMs } = parsed.data;
        return undelivered(said(`${loaded.name}: ${why}`), { refused, retryAfterMs });
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        return undelivered(said(`${loaded.name}: ${reason(error)}`));
      }
    },
  };
}

/** A class or object with `complete(request, signal)`, or that function; it answers with text. Errors: module-unusable. */
export async function loadLanguageModel(entry: CustomModule, root: string): Promise<LanguageModel> {
  const loaded = await load(entry, root);
  const complete = callable(loaded, "complete");
  const failed = (why: string, cause?: unknown): SwitchyardError =>
    new SwitchyardError("language-model-failed", { message: `${loaded.name}: ${why}`, cause });
  return {
    description: loaded.name,
    async complete(request, signal) {
      signal?.throwIfAborted();
      let answer: unknown;
      try {
        answer = await complete(request, signal);
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        throw failed(reason(error), error);
      }
      if (typeof answer !== "string") throw failed("it did not answer with text");
      return answer;
    },
  };
}
