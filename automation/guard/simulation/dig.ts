/** Ways into objects whose shape nobody vouches for. Pure. */

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What stands at a path; undefined where it ends early. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (!isFields(found)) return undefined;
    found = found[name];
  }
  return found;
}

export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === "number" ? found : undefined;
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

export function fieldsAt(value: unknown, ...path: readonly string[]): Fields {
  const found = at(value, ...path);
  return isFields(found) ? found : {};
}

/** Values of a map that are text. */
export function textsAt(value: unknown, ...path: readonly string[]): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [name, one] of Object.entries(fieldsAt(value, ...path))) if (typeof one === "string") texts[name] = one;
  return texts;
}

/** The same object with another value at a path. */
export function withAt(value: Fields, path: readonly string[], replacement: unknown): Fields {
  const [name, ...rest] = path;
  if (name === undefined) return isFields(replacement) ? replacement : {};
  return { ...value, [name]: rest.length === 0 ? replacement : withAt(fieldsAt(value, name), rest, replacement) };
}
