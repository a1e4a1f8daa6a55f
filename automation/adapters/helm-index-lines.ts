/**
 * A Helm index by its lines, in the one form in which Helm writes it: some megabytes of YAML take seconds and hundreds of megabytes of
 * memory otherwise, in which no lease is renewed. Anything in another form is not read. Pure.
 */

const chart = /^ {2}("?)([\w.-]+)\1:(?: (?:\[\]|null))?$/;
/** A field of a version, first of its item or not; the value of version alone is looked at. */
const field = /^ {2}(?:- | {2})([A-Za-z]\w*):(?: (.*))?$/;
const plainText = /^(?:"([^"\\]*)"|'([^']*)'|([^\s"'&*|>{}[\]!%@`#,][^#]*))$/;

/** Versions by chart, as they are written; undefined: it is not in that form, or cut off. */
export function readIndexLines(text: string): ReadonlyMap<string, readonly string[]> | undefined {
  const lines = text.split(/\r?\n/);
  const start = lines.indexOf("entries:");
  if (start < 0 || !lines.some((line) => /^apiVersion: \S/.test(line))) return undefined;
  const found = new Map<string, string[]>();
  let versions: string[] | undefined;
  for (const line of lines.slice(start + 1)) {
    if (/^\s*$/.test(line)) continue;
    // Helm's last key: without it the file was cut off, and what is not there may be missing for that alone.
    if (/^[A-Za-z]/.test(line)) return line.startsWith("generated:") ? found : undefined;
    // Deeper than a field: its value. A list of a field stands at the field's own place.
    if (/^(?: {5}| {4}- | {4}-$)/.test(line)) continue;
    const [, , name] = chart.exec(line) ?? [];
    if (name !== undefined) {
      if (found.has(name)) return undefined;
      versions = [];
      found.set(name, versions);
      continue;
    }
    const [whole, key, value] = field.exec(line) ?? [];
    if (whole === undefined || versions === undefined) return undefined;
    if (key !== "version") continue;
    const [quoted, double, single, bare] = plainText.exec((value ?? "").trim()) ?? [];
    if (quoted === undefined) return undefined;
    versions.push((double ?? single ?? bare ?? "").trim());
  }
  return undefined;
}
