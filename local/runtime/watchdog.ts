/**
 * A process of its own: `node watchdog.ts <stateDirectory> <owner>`. The daemon holds the write end of its standard input, so the end of
 * input means that the daemon has ended, however it did; what it left running is then ended.
 */
import { endOrphans } from "./orphans.ts";

const [stateDirectory, owner] = process.argv.slice(2);
if (stateDirectory === undefined || owner === undefined) throw new Error("usage: watchdog.ts <stateDirectory> <owner>");

process.stdin.resume();
process.stdin.once("end", () => {
  endOrphans(stateDirectory, { owner }).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
