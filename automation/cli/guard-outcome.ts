/** How a command that drove a batch ends: a result, or the error that says what a person has to do. Pure. */
import { type ErrorCode, SwitchyardError } from "../errors.ts";
import type { BatchResult } from "./guard-run-command.ts";
import { describePause, describeRetry } from "./guard-status-view.ts";

/** What was asked for: an upgrade (run, monitor), the way back, or that it goes on. */
type Asked = "upgrade" | "rollback" | "resume";

type Ended = BatchResult["clusters"][number];

const goingBack: readonly string[] = ["rollback_needed", "rollback_mr_created", "rollback_mr_merged"];

const isBack = ({ state, wentBack }: Ended): boolean => wentBack === true || goingBack.includes(state);

/** Errors: guard-failed, guard-paused, guard-checks-failed; what stood in the way of a look. All with the result as data. */
export function finishBatch(result: BatchResult, asked: Asked): BatchResult {
  const { batch, clusters, waits } = result;
  const fail = (code: ErrorCode, message: string, next?: readonly string[]): SwitchyardError =>
    new SwitchyardError(code, {
      message,
      ...(next === undefined ? {} : { next }),
      begun: true,
      data: { ...result },
    });
  const unfinished = clusters.filter((one) => isBack(one) || one.state === "abandoned");
  if (asked === "upgrade" && unfinished.length > 0) {
    const open = unfinished.some(({ state }) => goingBack.includes(state));
    throw fail("guard-failed", `Batch ${batch} is not upgraded\n${linesOf(unfinished)}`, [
      ...(open ? [`When what goes back is merged:   npx switchyard guard monitor --batch ${batch}`] : []),
      ...(open || !unfinished.some(isBack) ? [] : [describeRetry(batch)]),
      `To see where it stands:   npx switchyard guard status --batch ${batch}`,
    ]);
  }
  // On the way back a cluster in which nothing had landed is paused: that is no failure of it.
  const paused = clusters.filter(
    ({ state, pausedFrom = "" }) => state === "paused" && (asked !== "rollback" || goingBack.includes(pausedFrom)),
  );
  if (paused.length > 0)
    throw fail("guard-paused", `Batch ${batch} waits for a person\n${linesOf(paused)}`, describePause(batch));
  const refused = clusters.filter(({ state }) => state === "pre_check_failed");
  if (asked !== "rollback" && refused.length > 0)
    throw fail("guard-checks-failed", `Batch ${batch} did not pass its checks\n${linesOf(refused)}`);
  const broken = waits.flatMap(({ cluster, why, code }) => (code === undefined ? [] : [{ cluster, why, code }]));
  const [first] = broken;
  if (first === undefined) return result;
  throw fail(first.code, broken.map(({ cluster, why }) => `${cluster}: ${why}`).join("\n"));
}

const linesOf = (clusters: readonly Ended[]): string =>
  clusters
    .map(
      ({ cluster, state, note, mergeRequest }) =>
        `  ${cluster} is ${state}${note === undefined ? "" : `: ${note}`}${goingBack.includes(state) && mergeRequest !== undefined ? ` (${mergeRequest})` : ""}`,
    )
    .join("\n");
