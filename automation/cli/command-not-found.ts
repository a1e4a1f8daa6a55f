import type { Hook } from "@oclif/core";
import { SwitchyardError } from "../errors.ts";
import { nearestName } from "../nearest.ts";
import { commandIds } from "./commands/index.ts";

/** Names the command that a typo probably meant. */
const commandNotFound: Hook<"command_not_found"> = async ({ id }) => {
  const words = id.replaceAll(":", " ");
  const known = commandIds.map((one) => one.replaceAll(":", " "));
  const near = nearestCommand(words, known);
  throw new SwitchyardError("usage-error", {
    message: `There is no command ${words}`,
    next: [
      ...(near === undefined ? [] : [`Did you mean:          npx switchyard ${near}`]),
      "To see all commands:   npx switchyard --help",
    ],
  });
};

/** Within a topic only the rest is compared, or the topic's letters would make anything near. */
function nearestCommand(words: string, known: readonly string[]): string | undefined {
  const [topic = "", ...rest] = words.split(" ");
  const within = known.flatMap((name) => (name.startsWith(`${topic} `) ? [name.slice(topic.length + 1)] : []));
  if (within.length === 0) return nearestName(words, known);
  const near = nearestName(rest.join(" "), within);
  return near === undefined ? undefined : `${topic} ${near}`;
}

export default commandNotFound;
