/** Errors of the local cloud, of images, and of the demo and the drill. */
import { type CatalogueEntry, exitCodes } from "./entry.ts";

export const localErrors = {
  "demo-failed": {
    exitCode: exitCodes.error,
    what: "The demo did not show what it is there to show: a request failed because of the swap, or a swap ended otherwise than it should.",
    next: "Look at the report that the message names; run the demo again.",
  },
  "drill-failed": {
    exitCode: exitCodes.error,
    what: "A campaign of the drill found what it is there to rule out, or could not be carried out.",
    next: "Look at the report that the message names; run the campaign again with the same seed.",
  },
  "environment-in-use": {
    exitCode: exitCodes.resource,
    refusal: true,
    what: "The demo needs the environment `local` for itself, and something of yours is there.",
    next: "Stop the local cloud, or remove what is up, as the message says.",
  },
  "image-invalid": {
    exitCode: exitCodes.configuration,
    what: "A folder cannot be built into an image.",
    next: "Correct the folder's package.json as the message says.",
  },
  "local-cloud-failed": {
    exitCode: exitCodes.error,
    what: "The local cloud could not be started, or did not answer.",
    next: "Look at .switchyard/local/logs/daemon.log, then run `npx switchyard local stop` and try again.",
  },
  "local-cloud-not-running": {
    exitCode: exitCodes.error,
    what: "The command needs the local cloud, and it does not run.",
    next: "Run `npx switchyard local start`.",
  },
  "port-in-use": {
    exitCode: exitCodes.resource,
    what: "A port that the local cloud was told to use is taken by another program.",
    next: "End that program, or choose another port.",
  },
} as const satisfies Record<string, CatalogueEntry>;
