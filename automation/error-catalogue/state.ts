/** Errors of the state of swaps, and of who may write it. */
import { type CatalogueEntry, exitCodes } from "./entry.ts";

export const stateErrors = {
  "lease-lost": {
    exitCode: exitCodes.error,
    what: "The process lost the lease of its environment in the middle of its work (it stood still, or could not reach the state store for too long), so that another one may have gone on. It stopped at once; weights stay as they are.",
    next: "Look with `npx switchyard swap status`; follow the process that goes on with `npx switchyard swap watch`, or go on with `npx switchyard swap resume`.",
  },
  "state-unreachable": {
    exitCode: exitCodes.resource,
    what: "The state store of the environment gave no usable answer, so that nobody can know who may write. Weights stay as they are.",
    next: "Check the network, the credentials and the settings under `state` in switchyard.yaml, then run the command again.",
  },
  "state-format": {
    exitCode: exitCodes.error,
    what: "The state store of the environment was written by another version of Switchyard. It is refused; nothing is changed.",
    next: "An older store: `npx switchyard state migrate`. A newer one: update Switchyard.",
  },
  "state-damaged": {
    exitCode: exitCodes.error,
    what: "A value in the state store does not have the form that Switchyard writes: it was changed by hand, or damaged. It is refused; nothing is changed.",
    next: "Put the value back that the message names.",
  },
  "journal-corrupt": {
    exitCode: exitCodes.error,
    what: "A swap's journal was changed, or lost lines. It is refused as a whole; nothing is changed.",
    next: "Look at the real weights with `npx switchyard traffic show`, then move the journal away as the message shows, and keep it.",
  },
  "journal-format": {
    exitCode: exitCodes.error,
    what: "A swap's journal was written by another version of Switchyard. It is refused; nothing is changed.",
    next: "End the swap with the version that began it, or move the journal away as the message says.",
  },
} as const satisfies Record<string, CatalogueEntry>;
