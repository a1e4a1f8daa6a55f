/** Where oclif finds the commands. */
import { loadCommands } from "./commands/index.ts";

export const commands = await loadCommands();
