import type { Hook } from "@oclif/core";
import { SwitchyardError } from "../errors.ts";
import { nearestName } from "./nearest.ts";

/** Names the command that a typo probably meant. */
const commandNotFound: Hook<"command_not_found"> = async ({ id, config }) => {
  const words = id.replaceAll(":", " ");
  const known = config.commandIDs.map((one) => one.replaceAll(":", " "));
  const near = nearestName(words, known);
  throw new SwitchyardError("usage-error", {
    message: `There is no command ${words}`,
    next:
      near === undefined ? "To see all commands:   npx switchyard --help" : `Did you mean:   npx switchyard ${near}`,
  });
};

export default commandNotFound;
