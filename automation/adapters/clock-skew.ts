/** Whether this machine's clock and a server's differ: signatures and tokens are then refused for no other reason. Pure. */

/** AWS refuses signatures that are older or younger; certificates and tokens bear less than that, too. */
const toleratedMs = 5 * 60_000;

/** Ms that the server is ahead of this machine, by the reply's header Date; undefined: it does not say. */
export function clockSkewMs(date: string | undefined, wallMs: number): number | undefined {
  const at = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(at) ? undefined : at - wallMs;
}

/** What is wrong with the clock and what to do; undefined: nothing that would matter. */
export function clockSkewFinding(date: string | undefined, wallMs: number): string | undefined {
  const skew = clockSkewMs(date, wallMs);
  if (skew === undefined || Math.abs(skew) < toleratedMs) return undefined;
  const minutes = Math.round(Math.abs(skew) / 60_000);
  return `this machine's clock is ${minutes} minutes ${skew > 0 ? "behind" : "ahead of"} the server's (${date}): set it by NTP`;
}
