import { SwitchyardError } from "../errors.ts";

const unitsMs = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
const longestMs = 7 * 24 * unitsMs.h;

/** `90s`, `30m`, `2h` as ms; above 0, up to a week. Errors: usage-error. */
export function parseDuration(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)([smh])$/.exec(text.trim());
  const unit = match?.[2];
  const ms = unit === "s" || unit === "m" || unit === "h" ? Math.round(Number(match?.[1]) * unitsMs[unit]) : 0;
  if (ms > 0 && ms <= longestMs) return ms;
  throw new SwitchyardError("usage-error", {
    message: `${flag} ${text}: a time is a number above 0 with its unit s, m or h, up to a week`,
    next: `For example:   ${flag} 90s, ${flag} 30m or ${flag} 2h`,
  });
}
