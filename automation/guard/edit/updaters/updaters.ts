import { argoCd } from "./argo-cd.ts";
import { sail } from "./sail.ts";
import type { Updater } from "./updater.ts";

/** All there are, beside Flux's own releases (releases.ts). */
export const updaters: readonly Updater[] = [sail, argoCd];
