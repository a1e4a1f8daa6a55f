import type { Delivery, Notice, Notifier } from "../../automation/ports/notifier.ts";

export interface FakeNotifier extends Notifier {
  /** What it took, in order. */
  readonly taken: readonly Notice[];
  /** Times that it was asked. */
  readonly asked: () => number;
  /** It takes nothing any more, with these words; undefined ends that. */
  fail(why: string | undefined, more?: Partial<Extract<Delivery, { delivered: false }>>): void;
  /** It does not answer until the caller gives up; resolves when it was asked. */
  hang(): Promise<void>;
}

export function createFakeNotifier(description = "fake"): FakeNotifier {
  const taken: Notice[] = [];
  let asked = 0;
  let failure: Extract<Delivery, { delivered: false }> | undefined;
  let arrived: (() => void) | undefined;
  return {
    description,
    taken,
    asked: () => asked,
    fail(why, more = {}) {
      failure =
        why === undefined ? undefined : { delivered: false, why, refused: false, retryAfterMs: undefined, ...more };
    },
    hang() {
      const { promise, resolve } = Promise.withResolvers<void>();
      arrived = resolve;
      return promise;
    },
    async notify(notice, signal) {
      signal?.throwIfAborted();
      asked += 1;
      if (arrived !== undefined) {
        arrived();
        await new Promise<never>((_, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
        });
      }
      if (failure !== undefined) return failure;
      taken.push(notice);
      return { delivered: true };
    },
  };
}
