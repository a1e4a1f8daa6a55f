const units: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

export const gibibyte = 2 ** 30;

/** Bytes of a Kubernetes quantity ("512Mi", "1.5G", "1e9"); undefined when it is none. */
export function bytesOf(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?(?:[eE]\d+)?)([kMGTP]|[KMGTP]i)?$/.exec(text.trim());
  const factor = match === null ? undefined : units[match[2] ?? ""];
  return match === null || factor === undefined ? undefined : Number(match[1]) * factor;
}
