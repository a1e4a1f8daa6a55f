/** The fail-back flag: a resource outside the instance that says where its requests are to be handed to. */
import { z } from "zod";

/** Body of the flag; no target means that requests are served here. */
const flagSchema = z.object({ target: z.string().min(1).max(100).nullish() });

export interface FailBackFlagOptions {
  /** Where the flag is read with GET: 200 with `{"target":"<platform>"}` or `{}`, 304 for a known ETag, 404 for none. */
  readonly url: string;
  /** This instance's platform; a flag that names it means "here". */
  readonly platform: string;
  /** Monotonic, ms. */
  readonly now: () => number;
  /** Told when the target changes; undefined: requests are served here again. */
  readonly onChange: (target: string | undefined) => void;
  /** Told of the first failed read after a good one. */
  readonly onFailure: (why: string) => void;
  /** Between two reads, ms; default 250. */
  readonly pollMs?: number;
  /** Time for one read, ms; default 1,000. */
  readonly timeoutMs?: number;
  /**
   * How long a value holds that cannot be read again, ms; default 10,000. Afterwards requests are served here: an instance
   * whose flag is gone must not go on sending its work elsewhere.
   */
  readonly holdMs?: number;
}

export interface FailBackFlag {
  /** Where requests are handed to now; undefined: they are served here. */
  readonly target: string | undefined;
  /** Ends the polling. */
  close(): void;
}

/** Begins to poll at once; its timers keep no process alive. */
export function watchFailBackFlag(options: FailBackFlagOptions): FailBackFlag {
  const { now } = options;
  const pollMs = options.pollMs ?? 250;
  const timeoutMs = options.timeoutMs ?? 1_000;
  const holdMs = options.holdMs ?? 10_000;
  const closing = new AbortController();
  let known: { readonly target: string | undefined; readonly etag: string | null; readonly readAt: number } | undefined;
  let told: string | undefined;
  let failing = false;
  let timer: NodeJS.Timeout | undefined;

  const current = (): string | undefined =>
    known !== undefined && now() - known.readAt <= holdMs ? known.target : undefined;

  const tell = (): void => {
    const target = current();
    if (target === told) return;
    told = target;
    options.onChange(target);
  };

  const read = async (): Promise<void> => {
    const response = await fetch(options.url, {
      headers: { accept: "application/json", ...(known?.etag ? { "if-none-match": known.etag } : {}) },
      redirect: "error",
      signal: AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await response.text();
    const readAt = now();
    if (response.status === 304 && known !== undefined) known = { ...known, readAt };
    else if (response.status === 404) known = { target: undefined, etag: null, readAt };
    else if (response.status === 200) {
      const { target } = flagSchema.parse(JSON.parse(text));
      const elsewhere = target === undefined || target === null || target === options.platform ? undefined : target;
      known = { target: elsewhere, etag: response.headers.get("etag"), readAt };
    } else throw new Error(`it answered ${response.status}`);
  };

  const poll = async (): Promise<void> => {
    try {
      await read();
      failing = false;
    } catch (error) {
      // Whatever went wrong, the last value holds for a while; an agent does not fail because its flag does.
      if (!closing.signal.aborted && !failing) options.onFailure(reasonOf(error));
      failing = true;
    }
    if (closing.signal.aborted) return;
    tell();
    timer = setTimeout(() => void poll(), pollMs);
    timer.unref();
  };
  void poll();

  return {
    get target() {
      return current();
    },
    close() {
      closing.abort();
      clearTimeout(timer);
    },
  };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
