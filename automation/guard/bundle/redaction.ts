/** Text without secrets and without names, and the way back for the names. Pure. */

/** What looks like a secret. Rather too much than too little. */
const secretForms: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\b(?:gl(?:pat|dt|rt|cbt)-|gh[pousr]_|github_pat_|xox[abeprs]-|sk-|k8s-aws-v1\.)[A-Za-z0-9_.=-]{8,}/g,
  /(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]+(?=@)/gi,
  /(?<=\b(?:authorization|proxy-authorization)["']?\s*[:=]\s*["']?)(?:(?:bearer|basic|negotiate)\s+)?[^\s"',;]+/gi,
  /(?<=\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}/gi,
  /(?<=\b[\w-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|cookie)[\w-]*["']?\s*[:=]\s*["']?)[^\s"',;&}]{3,}/gi,
];

/** Names that nobody lists: addresses of machines and of people. */
const nameForms: readonly (readonly [kind: string, form: RegExp])[] = [
  ["email", /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g],
  ["ip", /\b(?:\d{1,3}\.){3}\d{1,3}\b/g],
  ["account", /(?<=\barn:aws[\w-]*:[\w-]*:[\w-]*:)\d{12}\b/g],
];

export interface Redaction {
  /** The same name has the same placeholder in all texts. */
  redact(text: string): string;
  /** Names in place of their placeholders. Secrets are gone. */
  restore(text: string): string;
}

const letters = (text: string): string => text.replaceAll(/[\\^$.|?*+()[\]{}]/g, "\\$&");

/** `names`: what must not leave the house, by kind: cluster, service, namespace, repository … */
export function createRedaction(names: Readonly<Record<string, readonly string[]>>): Redaction {
  const placeholders = new Map<string, string>();
  const counts = new Map<string, number>();
  const placeholder = (kind: string, name: string): string => {
    const known = placeholders.get(name);
    if (known !== undefined) return known;
    const number = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, number);
    const made = `<${kind}-${number}>`;
    placeholders.set(name, made);
    return made;
  };
  for (const [kind, list] of Object.entries(names)) for (const name of list) if (name !== "") placeholder(kind, name);
  // Long ones first: a short one may be a part of them.
  const listed = [...placeholders.keys()].toSorted((one, other) => other.length - one.length);
  const form =
    listed.length === 0
      ? undefined
      : new RegExp(`(?<![A-Za-z0-9])(?:${listed.map(letters).join("|")})(?![A-Za-z0-9])`, "g");
  return {
    redact(text) {
      let clean = secretForms.reduce((all, secret) => all.replaceAll(secret, "<secret>"), text);
      if (form !== undefined) clean = clean.replaceAll(form, (name) => placeholders.get(name) ?? "<name>");
      for (const [kind, found] of nameForms) clean = clean.replaceAll(found, (name) => placeholder(kind, name));
      return clean;
    },
    restore(text) {
      const back = new Map([...placeholders].map(([name, made]) => [made, name]));
      return text.replaceAll(/<[a-z]+-\d+>/g, (made) => back.get(made) ?? made);
    },
  };
}
