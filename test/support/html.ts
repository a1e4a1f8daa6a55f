/** What is wrong with a page, as far as the pages of this project go: elements, attributes in double quotes, ids. */
export function problemsOfHtml(page: string): readonly string[] {
  const problems: string[] = [];
  if (!/^<!doctype html>\s*<html lang="[a-z-]+">/.test(page)) problems.push("no doctype with a language");
  const open: string[] = [];
  const ids = new Set<string>();
  let rest = 0;
  for (const match of page.matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s+[^\s=<>"/]+(?:="[^"]*")?)*)\s*(\/?)>/g)) {
    const [tag, close, name = "", attributes = "", selfClosed] = match;
    const between = page.slice(rest, match.index);
    rest = match.index + tag.length;
    if (open.at(-1) !== "style" && /[<>]/.test(between.replace("<!doctype html>", "")))
      problems.push(`stray bracket: ${between.trim()}`);
    for (const [, id = ""] of attributes.matchAll(/\sid="([^"]*)"/g)) {
      if (ids.has(id)) problems.push(`id ${id} twice`);
      ids.add(id);
    }
    if (close === "/") {
      const last = open.pop();
      if (last !== name) problems.push(`</${name}> closes <${last ?? "nothing"}>`);
    } else if (selfClosed !== "/" && !voidElements.has(name)) {
      open.push(name);
    }
  }
  if (open.length > 0) problems.push(`never closed: ${open.join(", ")}`);
  return problems;
}

const voidElements = new Set(["meta", "br", "hr", "input", "col", "wbr"]);
