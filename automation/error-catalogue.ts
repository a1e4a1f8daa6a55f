/**
 * The one error catalogue. Every error that a user can meet has a code here; docs/errors.md is generated from it.
 * `what` says what happened in general, `next` what to do in general; the error itself carries the particular text
 * and the exact command.
 */

import { engineErrors } from "./error-catalogue/engine.ts";
import type { CatalogueEntry } from "./error-catalogue/entry.ts";
import { generalErrors } from "./error-catalogue/general.ts";
import { guardErrors } from "./error-catalogue/guard.ts";
import { localErrors } from "./error-catalogue/local.ts";
import { rulesErrors } from "./error-catalogue/rules.ts";
import { stateErrors } from "./error-catalogue/state.ts";
import { swapErrors } from "./error-catalogue/swap.ts";
import { trafficErrors } from "./error-catalogue/traffic.ts";

export { type ExitCode, exitCodes } from "./error-catalogue/entry.ts";

export const catalogue = {
  ...generalErrors,
  ...trafficErrors,
  ...stateErrors,
  ...swapErrors,
  ...localErrors,
  ...engineErrors,
  ...rulesErrors,
  ...guardErrors,
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;
