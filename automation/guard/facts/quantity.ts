/** Kubernetes' quantities: `500m`, `2`, `1.5Gi`, `128974848`, `1e3`. Pure. */

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
  Pi: 1024 ** 5,
  Ei: 1024 ** 6,
};

/** In the base unit (cores, bytes); undefined for what is no quantity. */
export function quantity(text: string | number): number | undefined {
  if (typeof text === "number") return text;
  const found = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text.trim());
  if (found === null) return undefined;
  const factor = factors[found[2] ?? ""];
  return factor === undefined ? undefined : Number(found[1]) * factor;
}
