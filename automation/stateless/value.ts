import { type Path, unknownValue } from "./finding.ts";

/** Told of every place where a rule looked and found that the value is not known yet. */
export type OnUnknown = (path: Path) => void;

const nothing: readonly Value[] = [];

/**
 * A value in a resource, with the way to it. Rules read resources through this and nothing else: a read that meets
 * `unknownValue` is told, so no rule can take what is not known for a good value. All rules share one tree of them.
 */
export class Value {
  readonly #raw: unknown;
  readonly #parent: Value | undefined;
  readonly #key: string | number;
  readonly #onUnknown: OnUnknown;
  #members: Map<string, Value> | undefined;
  #items: readonly Value[] | undefined;

  private constructor(raw: unknown, parent: Value | undefined, key: string | number, onUnknown: OnUnknown) {
    this.#raw = raw;
    this.#parent = parent;
    this.#key = key;
    this.#onUnknown = onUnknown;
  }

  /** The root of an object; `name` begins its paths where it is not the one that is judged. */
  static root(raw: unknown, onUnknown: OnUnknown, name = ""): Value {
    return new Value(raw, undefined, name, onUnknown);
  }

  get path(): Path {
    if (this.#parent === undefined) return this.#key === "" ? [] : [this.#key];
    return [...this.#parent.path, this.#key];
  }

  /** Whether it, or what it is in, is not known. Who asks has told. */
  get isUnknown(): boolean {
    return this.#raw === unknownValue && this.#known() === undefined;
  }

  /** The member of that name; of anything but an object an absent one, of what is not known itself. */
  get(...keys: readonly string[]): Value {
    let value: Value = this;
    for (const key of keys) value = value.#member(key);
    return value;
  }

  /** Members of a list; of anything but a list none. */
  get items(): readonly Value[] {
    const raw = this.#known();
    if (!Array.isArray(raw)) return nothing;
    this.#items ??= raw.map((item, index) => new Value(item, this, index, this.#onUnknown));
    return this.#items;
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

  /** Also of quoted booleans, and of the older YAML's, which kubectl still reads; absent is false. */
  get isTrue(): boolean {
    return /^(true|yes|on|y)$/i.test(this.text ?? "");
  }

  /** What would decide is not in this value, and not at hand. */
  cannotDecide(): void {
    this.#onUnknown(this.path);
  }

  #member(key: string): Value {
    const raw = this.#known();
    if (this.#raw === unknownValue) return this;
    const known = this.#members?.get(key);
    if (known !== undefined) return known;
    const member = new Value(
      isObject(raw) && Object.hasOwn(raw, key) ? raw[key] : undefined,
      this,
      key,
      this.#onUnknown,
    );
    this.#members ??= new Map();
    this.#members.set(key, member);
    return member;
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
