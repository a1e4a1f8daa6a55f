/** The hash of plans. Not in plan.ts, which does without Node. */
import { createHash } from "node:crypto";

/** 12 hex digits of SHA-256: enough for the plans of a fleet, and short enough for a branch. */
export const planDigest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 12);
