import { type Path, unknownValue } from "./finding.ts";

/** Told of every place where a rule looked and found that the value is not known yet. */
export type OnUnknown = (path: Path) => void;

/**
 * A value in a resource, with the way to it. Rules read resources through this and nothing else: a read that meets
 * `unknownValue` is told, so no rule can take what is not known for a good value.
 */
export class Value {
  readonly path: Path;
  readonly #raw: unknown;
  readonly #onUnknown: OnUnknown;

  constructor(raw: unknown, path: Path, onUnknown: OnUnknown) {
    this.#raw = raw;
    this.path = path;
    this.#onUnknown = onUnknown;
  }

  /** The member of that name; of anything but an object an absent one. */
  get(...keys: readonly string[]): Value {
    let value: Value = this;
    for (const key of keys) value = value.#member(key);
    return value;
  }

  /** Members of a list; of anything but a list none. */
  get items(): readonly Value[] {
    const raw = this.#known();
    return Array.isArray(raw) ? raw.map((item, index) => new Value(item, [...this.path, index], this.#onUnknown)) : [];
  }

  /** Names of an object's members that are there. */
  get keys(): readonly string[] {
    const raw = this.#known();
    return isObject(raw) ? Object.keys(raw).filter((key) => raw[key] !== undefined && raw[key] !== null) : [];
  }

  get exists(): boolean {
    const raw = this.#known();
    return raw !== undefined && raw !== null;
  }

  /** Strings, numbers and booleans as text: manifests quote them or not. */
  get text(): string | undefined {
    const raw = this.#known();
    return typeof raw === "string" || typeof raw === "number" || typeof raw === "boolean" ? String(raw) : undefined;
  }

  get number(): number | undefined {
    const text = this.text;
    return text === undefined || text.trim() === "" || Number.isNaN(Number(text)) ? undefined : Number(text);
  }

  /** Also of quoted booleans; absent is false. */
  get isTrue(): boolean {
    return this.text === "true";
  }

  /** What would decide is not in this value, and not at hand. */
  cannotDecide(): void {
    this.#onUnknown(this.path);
  }

  #member(key: string): Value {
    const raw = this.#known();
    const inner = isObject(raw) && Object.hasOwn(raw, key) ? raw[key] : undefined;
    return new Value(inner, [...this.path, key], this.#onUnknown);
  }

  #known(): unknown {
    if (this.#raw !== unknownValue) return this.#raw;
    this.#onUnknown(this.path);
    return undefined;
  }
}

function isObject(raw: unknown): raw is Readonly<Record<string, unknown>> {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw);
}

/** spec.volumes[0].emptyDir; a key with other signs than letters, digits, _ and - is quoted in brackets. */
export function drawPath(path: Path): string {
  return path
    .map((part) => {
      if (typeof part === "number") return `[${part}]`;
      return /^[\w-]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
    })
    .join("")
    .replace(/^\./, "");
}
