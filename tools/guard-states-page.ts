/** docs/guard-states.md: the state table of guard, as the code has it. */
import { eventsFrom, states } from "../automation/guard/registry/state.ts";
import { moves } from "../automation/guard/registry/state-moves.ts";
import { guardStates, originalNames } from "../automation/guard/registry/state-names.ts";

export function guardStatesPage(generated: string): string {
  const code = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");
  return [
    generated,
    "# Guard's states",
    "",
    "Where a cluster can stand in an Istio upgrade. The code refuses every change that is not in the second table",
    "(`automation/guard/registry/state-moves.ts`); this page is made from it.",
    "",
    "## States",
    "",
    "At rest means that nothing is under way and a run may begin. Every other state has an event that leads out when it cannot go on.",
    "",
    "| state | what it means | who acts next | on failure |",
    "| --- | --- | --- | --- |",
    ...guardStates.map((name) => {
      const { meaning, waitsFor, resting, onFailure } = states[name];
      const exit = moves.find(({ event, from }) => event === onFailure && (from as readonly string[]).includes(name));
      const failure = resting || exit === undefined ? "at rest" : `\`${onFailure}\`: to \`${exit.to}\``;
      return `| \`${name}\` | ${meaning} | ${waitsFor} | ${failure} |`;
    }),
    "",
    "## Changes",
    "",
    "| event | from | to | written by | when |",
    "| --- | --- | --- | --- | --- |",
    ...moves.map(
      ({ event, from, to, by, when }) =>
        `| \`${event}\` | ${code(from)} | ${to === "paused-from" ? "the state in which it was paused" : `\`${to}\``} | ${by} | ${when} |`,
    ),
    "",
    "## What can happen in each state",
    "",
    "| state | events |",
    "| --- | --- |",
    ...guardStates.map((name) => `| \`${name}\` | ${code(eventsFrom(name))} |`),
    "",
    "## Names of the original tool",
    "",
    "| there | here |",
    "| --- | --- |",
    ...Object.entries(originalNames).map(([theirs, ours]) => `| \`${theirs}\` | \`${ours}\` |`),
    "",
  ].join("\n");
}
