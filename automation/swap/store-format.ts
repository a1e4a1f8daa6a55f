/** The version of what a state store holds. A store of another version is refused before anything is changed. */
import { SwitchyardError } from "../errors.ts";
import type { StateStore } from "../ports/state-store.ts";

/** Rises when a store of an earlier version could be misread. 1: journals and owners in files, without a mark. */
export const storeFormat = 2;
export const formatKey = "format";

/** Whether the store has its mark; false for one that nothing was written to. Errors: state-format; state-damaged where the mark is none. */
export async function assertStoreFormat(store: StateStore, environment: string): Promise<boolean> {
  const stored = await store.read(formatKey);
  if (stored !== undefined) {
    assertKnown(stored.value, store, environment);
    return true;
  }
  // Before the mark there is nothing: it is written first.
  if ((await store.list("swaps")).length === 0) return false;
  // It may have been written between the two looks.
  const again = await store.read(formatKey);
  assertKnown(again?.value ?? "1", store, environment);
  return true;
}

/** Marks a new store. Errors: state-format, state-damaged. */
export async function markStoreFormat(store: StateStore, environment: string): Promise<void> {
  if (await assertStoreFormat(store, environment)) return;
  if ((await store.write(formatKey, String(storeFormat), 0)) === undefined) await assertStoreFormat(store, environment);
}

function assertKnown(value: string, store: StateStore, environment: string): void {
  if (value === String(storeFormat)) return;
  if (!/^[1-9]\d*$/.test(value)) {
    throw new SwitchyardError("state-damaged", {
      message: `The value ${formatKey} of ${store.description}, environment ${environment}, is ${JSON.stringify(value)}, which is no format of a store; this version writes ${storeFormat}. Nothing was changed`,
      data: { format: value, reads: storeFormat },
    });
  }
  const newer = Number(value) > storeFormat;
  throw new SwitchyardError("state-format", {
    message: `The state of environment ${environment} (${store.description}) was written by ${newer ? "a newer" : "an older"} version of Switchyard (format ${value}; this one reads ${storeFormat}). Nothing was changed`,
    next: newer
      ? "Update Switchyard: git pull && npm ci"
      : `To bring it up to date:   npx switchyard state migrate --env ${environment}`,
    data: { format: value, reads: storeFormat },
  });
}
