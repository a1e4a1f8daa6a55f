/** Files of `KEY=value` lines, as kustomize's generators read them. Pure. */
import { Uncuttable } from "./cut.ts";
import { stepsOf } from "./tree.ts";

interface Entry {
  readonly key: string;
  readonly value: string;
  /** Where the value begins in the text. */
  readonly start: number;
}

/** In order; a later line of the same key wins. */
export function envEntries(text: string): readonly Entry[] {
  return [...text.matchAll(/^\uFEFF?[ \t]*([^#=\s][^=\r\n]*)=([^\r\n]*)/gm)].map((found) => {
    const [whole, key = "", value = ""] = found;
    return { key, value, start: found.index + whole.length - value.length };
  });
}

/** The entry of a key; refused when it stands there twice. */
export function envEntry(text: string, pointer: string): Entry {
  const [key] = stepsOf(pointer);
  const [found, ...others] = envEntries(text).filter((one) => one.key === key);
  if (found === undefined || others.length > 0) throw new Uncuttable(`${key} does not stand there exactly once`);
  return found;
}
