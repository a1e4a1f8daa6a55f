/** What command line tools print: JSON documents one after another, with lines of a log before and between. Pure. */

/** The index after the value that begins at `from`; undefined when it does not end. */
function endOf(text: string, from: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char === "\\") at += 1;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") depth += 1;
    else if (char === "}" || char === "]") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}

/** Every document that begins at the start of a line; undefined when one is cut off or broken. */
export function jsonDocuments(text: string): readonly unknown[] | undefined {
  const documents: unknown[] = [];
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const start = /^[ \t]*[{[]/m.exec(rest);
    if (start === null) break;
    const from = at + start.index;
    const end = endOf(text, from);
    if (end === undefined) return undefined;
    try {
      documents.push(JSON.parse(text.slice(from, end)));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return undefined;
    }
    at = end;
  }
  return documents;
}
