/** Text of others inside Markdown: it is read as text, whatever it holds. Pure. */

/** Control characters, and those that turn the direction of writing. */
const invisible = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/gu;
/** What means something in Markdown, HTML or a table, and the colon of links and emoji. */
const active = /[&<>|`*_[\]\\~:(){}]/g;
/** What GitLab makes a mention or a reference of: a word joiner behind it is seen by nobody and ends that. */
const sigil = /[@#!$%^&~](?=[\p{L}\p{N}_"-])/gu;

/** On one line, at most `limit` characters of the text. Never empty. */
export function inline(text: string, limit = 300): string {
  const line = text.toWellFormed().replaceAll(invisible, " ").replaceAll(/\s+/g, " ").trim();
  const characters = Array.from(line);
  const cut = characters.length > limit ? `${characters.slice(0, limit - 1).join("")}…` : line;
  const quiet = cut.replaceAll(sigil, "$&\u2060").replaceAll(active, (one) => `&#${one.charCodeAt(0)};`);
  return quiet === "" ? "-" : quiet;
}

export const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** `rows` made by `row`. */
export function table(head: readonly string[], rows: readonly string[]): readonly string[] {
  return [row(head), row(head.map(() => "---")), ...rows];
}

export interface Bound {
  readonly most: number;
  /** Of all that is shown together. */
  readonly characters: number;
}

/** The first of them that fit, and how many are left out. */
export function fitting<Item>(
  items: readonly Item[],
  { most, characters }: Bound,
  show: (item: Item) => string,
): { readonly shown: readonly string[]; readonly left: number } {
  const shown: string[] = [];
  let used = 0;
  for (const item of items.slice(0, most)) {
    const text = show(item);
    used += text.length + 1;
    if (used > characters) break;
    shown.push(text);
  }
  return { shown, left: items.length - shown.length };
}
