/** Versions of a Helm repository's charts, by its index.yaml. */
import { parseDocument } from "yaml";
import { z } from "zod";
import { boundedRequest, NoAnswer } from "./bounded-request.ts";
import { readIndexLines } from "./helm-index-lines.ts";
import { parseJson } from "./json-text.ts";

/** The largest public ones have some 20 MB; more is not read. */
const mostBytes = 32_000_000;
/** Of another form than Helm's own, which takes the parser of all YAML, about 2 s for a megabyte. */
const mostForeignCharacters = 1_000_000;

const index = z.looseObject({
  apiVersion: z.string(),
  entries: z.record(z.string(), z.array(z.looseObject({ version: z.string() })).nullable()),
  /** Behind the entries: YAML without it may be cut off. */
  generated: z.unknown().refine((value) => value !== undefined),
});

/** Versions by chart. */
export type HelmIndex = ReadonlyMap<string, ReadonlySet<string>>;

/** Errors: NoAnswer, with what is wrong with the address, the answer or the index; the signal's reason. */
export async function readHelmIndex(
  source: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<HelmIndex> {
  if (!URL.canParse(source)) throw new NoAnswer(`${source} is no address of a Helm repository`);
  const url = new URL(source);
  if (url.username !== "" || url.password !== "")
    throw new NoAnswer("the address holds a password; look at it by hand");
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/index.yaml`;
  const { status, text } = await boundedRequest(url, { timeoutMs, mostBytes }, signal);
  if (status !== 200) throw new NoAnswer(`${url.host} answered ${status} for its index`);
  if (text === undefined) throw new NoAnswer(`the index at ${url.host} has more than ${mostBytes / 1_000_000} MB`);
  const entries = readIndexLines(text) ?? foreignEntries(text, url);
  return new Map([...entries].map(([name, versions]) => [name, new Set(versions.map(plain))]));
}

/** JSON, as mirrors write it, or other YAML. */
function foreignEntries(text: string, url: URL): ReadonlyMap<string, readonly string[]> {
  const parsed = index.safeParse(parsedIndex(text, url));
  if (!parsed.success) throw new NoAnswer(`what ${url.host} sent is no index of charts`);
  return new Map(
    Object.entries(parsed.data.entries).map(([name, versions]) => [
      name,
      (versions ?? []).map(({ version }) => version),
    ]),
  );
}

/** `1.31.1` of `v1.31.1` and `1.31.1+9f2b`: one version may be spelled in several ways. */
export const plain = (version: string): string => version.replace(/^v/, "").replace(/\+.*$/, "");

function parsedIndex(text: string, url: URL): unknown {
  if (/^\s*\{/.test(text)) {
    const value = parseJson(text);
    if (value !== undefined) return value;
  }
  if (text.length > mostForeignCharacters)
    throw new NoAnswer(`the index at ${url.host} is large and not in the form that Helm writes`);
  const document = parseDocument(text, { uniqueKeys: false, logLevel: "silent" });
  if (document.errors.length > 0) throw new NoAnswer(`the index at ${url.host} is broken YAML`);
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    // Aliases, which no index has.
    if (error instanceof ReferenceError) throw new NoAnswer(`the index at ${url.host} is no plain YAML`);
    throw error;
  }
}
