/** Which clusters of a batch a run works on. Pure. */
import { SwitchyardError } from "../../errors.ts";
import { nearest } from "../../nearest.ts";
import type { Loaded } from "../registry/registry.ts";
import { states } from "../registry/state.ts";

/** Without those that are left out now, and those at rest that the runs under way began without. Errors: guard-unknown-cluster. */
export function membersOf(
  {
    batch,
    plan,
    exclude = [],
  }: { readonly batch: string; readonly plan: string; readonly exclude?: readonly string[] },
  loaded: readonly Loaded[],
): readonly Loaded[] {
  assertInBatch(batch, loaded, exclude);
  const begunWithout = new Set(
    loaded.flatMap(({ record: { state, run } }) =>
      run?.plan === plan && !states[state].resting ? (run.without ?? []) : [],
    ),
  );
  return loaded.filter(
    ({ record: { entry, state } }) =>
      !exclude.includes(entry.clusterId) && !(states[state].resting && begunWithout.has(entry.clusterId)),
  );
}

/** A name that is misspelt would leave the cluster in that was meant to stay out. Errors: guard-unknown-cluster. */
export function assertInBatch(batch: string, loaded: readonly Loaded[], named: readonly string[]): void {
  const ids = loaded.map(({ record }) => record.entry.clusterId);
  const unknown = named.filter((id) => !ids.includes(id));
  if (unknown.length === 0) return;
  throw new SwitchyardError("guard-unknown-cluster", {
    message: unknown
      .map((id) => `Batch ${batch} has no cluster ${id} that could stay out${nearest(id, ids)}`)
      .join("\n"),
  });
}
