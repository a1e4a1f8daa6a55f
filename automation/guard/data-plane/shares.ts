/**
 * Which namespaces or workloads a share of a new revision holds: by a hash of their names, so that everybody comes to the same answer,
 * each step adds and none takes away. Pure.
 */

export interface ShareMember {
  /** `shop`, `Deployment shop/cart` */
  readonly name: string;
  /** Proxies or workloads that move with it; default 1. */
  readonly weight?: number;
}

export interface ShareInput {
  readonly members: readonly ShareMember[];
  /** Percent, 0 to 100. */
  readonly share: number;
  /** Makes another order: the plan's hash, say. */
  readonly seed: string;
  /** Names that the new revision has already: they stay, also when other members came since. */
  readonly moved: readonly string[];
}

export interface Share {
  /** All that the new revision has at this share, sorted by name. */
  readonly members: readonly string[];
  /** Those of them that move now. */
  readonly delta: readonly string[];
  /** Percent of the weight that `members` are; 0 where there is none. */
  readonly percent: number;
}

/** Closest to the share that whole members allow; of two as close the smaller. A share of 100 is everybody. */
export function assignShare({ members, share, seed, moved }: ShareInput): Share {
  const weightOf = ({ weight = 1 }: ShareMember): number => weight;
  const total = members.reduce((sum, one) => sum + weightOf(one), 0);
  const before = new Set(moved);
  const kept = members.filter(({ name }) => before.has(name));
  const chosen = [...kept];
  const target = (total * Math.min(Math.max(share, 0), 100)) / 100;
  let weight = kept.reduce((sum, one) => sum + weightOf(one), 0);
  for (const one of inHashOrder(members, seed)) {
    if (before.has(one.name)) continue;
    const next = weight + weightOf(one);
    if (share < 100 && Math.abs(next - target) >= Math.abs(weight - target)) break;
    chosen.push(one);
    weight = next;
  }
  const names = chosen.map(({ name }) => name).toSorted();
  return {
    members: names,
    delta: names.filter((name) => !before.has(name)),
    percent: total === 0 ? 0 : (weight / total) * 100,
  };
}

/** What goes back when the new revision is given up: all of it, the last that moved first. */
export function returnAll({ members, seed, moved }: Omit<ShareInput, "share">): readonly string[] {
  const before = new Set(moved);
  return inHashOrder(members, seed)
    .map(({ name }) => name)
    .filter((name) => before.has(name))
    .toReversed();
}

function inHashOrder(members: readonly ShareMember[], seed: string): readonly ShareMember[] {
  return members
    .map((member) => ({ member, at: hash(`${seed}/${member.name}`) }))
    .toSorted((a, b) => a.at - b.at || (a.member.name < b.member.name ? -1 : 1))
    .map(({ member }) => member);
}

/** FNV-1a over UTF-16, then mixed (murmur3's finish), so that names that differ in the last letter lie apart. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
