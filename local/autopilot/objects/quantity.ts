/** Kubernetes quantities: "500m", "2Gi", "1.5". */

const SUFFIXES: Readonly<Record<string, number>> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** The number (cores or bytes); undefined when it is not a quantity. */
export function parseQuantity(text: string): number | undefined {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(text.trim());
  const factor = SUFFIXES[match?.[2] ?? ""];
  return match === null || factor === undefined ? undefined : Number(match[1]) * factor;
}

/** Cores as whole millicores, rounded up: "500m", "2". */
export function formatCpu(cores: number): string {
  // Rounds away what binary fractions add (0.3 * 1000 is 300.00000000000006), then up.
  const milli = Math.ceil(Math.round(cores * 1e6) / 1e3);
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}

/** Bytes as whole Gi or Mi, rounded up. */
export function formatMemory(bytes: number): string {
  const mebibytes = Math.ceil(Math.round((bytes / MIB) * 1e6) / 1e6);
  return mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`;
}
