/**
 * Which namespaces a share of a new revision holds: by a hash of their names, so that everybody comes to the same answer, each step adds
 * and none takes away. Namespaces count alike, however many workloads they have: those change while an upgrade goes on. Pure.
 */

export interface ShareInput {
  readonly namespaces: readonly string[];
  /** Percent, 0 to 100. */
  readonly share: number;
  /** Makes another order: the plan's hash, say. */
  readonly seed: string;
  /** Those that the new revision has already: they stay, also when others came since. */
  readonly moved: readonly string[];
}

/** Those that move now, sorted: as many as come closest to the share, of two as close the fewer. */
export function nextOfShare({ namespaces, share, seed, moved }: ShareInput): readonly string[] {
  const before = new Set(moved);
  const open = namespaces.filter((name) => !before.has(name));
  const wanted = Math.ceil((namespaces.length * share) / 100 - 0.5) - (namespaces.length - open.length);
  return inHashOrder(open, seed).slice(0, Math.max(wanted, 0)).toSorted();
}

function inHashOrder(names: readonly string[], seed: string): readonly string[] {
  return names
    .map((name) => ({ name, at: hash(`${seed}/${name}`) }))
    .toSorted((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/** FNV-1a over UTF-16, then mixed (murmur3's finish), so that names that differ in the last letter lie apart. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
