import { SwitchyardError } from "../../automation/errors.ts";
import type { FailBack } from "../../automation/ports/fail-back.ts";

/** Flags in memory. */
export interface FakeFailBack extends FailBack {
  /** Every accepted change, oldest first. */
  readonly changes: readonly { readonly platform: string; readonly target: string | undefined }[];
  /** While true every call fails with fail-back-unreachable. */
  broken: boolean;
}

export function createFakeFailBack(): FakeFailBack {
  const flags = new Map<string, string>();
  const changes: { platform: string; target: string | undefined }[] = [];
  const check = (signal: AbortSignal | undefined): void => {
    signal?.throwIfAborted();
    if (fake.broken) throw new SwitchyardError("fail-back-unreachable", { message: "made to fail by the test" });
  };
  const fake: FakeFailBack = {
    changes,
    broken: false,
    async set(platform, target, signal) {
      check(signal);
      changes.push({ platform, target });
      if (target === undefined) flags.delete(platform);
      else flags.set(platform, target);
    },
    async read(platform, signal) {
      check(signal);
      return flags.get(platform);
    },
  };
  return fake;
}
