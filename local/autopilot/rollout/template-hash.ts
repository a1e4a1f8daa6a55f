import type { PodTemplate } from "../objects/pod.ts";

/** Kubernetes' alphabet for names that it makes: no vowels and nothing that reads like another character. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** `length` characters of the alphabet. `random` gives numbers in [0, 1). */
export function randomSuffix(length: number, random: () => number): string {
  return Array.from({ length }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join("");
}

/** The value of pod-template-hash: the same for equal templates, whatever the order of their fields. */
export function templateHash(template: PodTemplate): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(canonicalJson(template), "utf8")) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return Array.from(String(hash), (digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join("");
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) => {
    if (entry === null || typeof entry !== "object" || Array.isArray(entry)) {
      return entry;
    }
    return Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
