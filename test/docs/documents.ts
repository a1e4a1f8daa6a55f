import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkout } from "../support/cli.ts";

/** A Markdown file of the checkout. */
export interface Document {
  /** From the checkout's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** README, CHANGELOG and everything below docs/. */
export async function readDocuments(): Promise<readonly Document[]> {
  const below = await readdir(join(checkout, "docs"), { recursive: true });
  const paths = [
    "README.md",
    "CHANGELOG.md",
    ...below.filter((path) => path.endsWith(".md")).map((path) => `docs/${path}`),
  ];
  return Promise.all(
    paths.toSorted().map(async (path) => ({ path, text: await readFile(join(checkout, path), "utf8") })),
  );
}

/** The contents of the fenced blocks of a language, in order. */
export function codeBlocks(text: string, language: string): readonly string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms");
  return [...text.matchAll(fence)].map(([, block = ""]) => block);
}

export function withoutCodeBlocks(text: string): string {
  return text.replaceAll(/^```.*?^```$/gms, "");
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchors(text: string): readonly string[] {
  return [...withoutCodeBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** Words of a shell command up to its end or the first operator; quotes are taken off. */
export function shellWords(text: string): readonly string[] {
  const words: string[] = [];
  for (const [, quoted, doubled, plain, end] of text.matchAll(
    /'([^']*)'|"([^"]*)"|([^\s'"|&;()<>`]+|<[\w-]+>)|([|&;()<>`"\n])/g,
  )) {
    if (end !== undefined) break;
    words.push(quoted ?? doubled ?? plain ?? "");
  }
  return words;
}

/** The words after `npx switchyard`, for each place of a text that has it. */
export function switchyardCommands(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/npx switchyard(?=[ `)\n]|$)(?=([^\n]*))/g)].map(([, rest = ""]) => shellWords(rest));
}
