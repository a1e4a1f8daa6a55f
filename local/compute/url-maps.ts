import { createHash } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import { FingerprintConflictError, type UrlMap } from "./compute.ts";
import { propertiesSchema } from "./file-resource-store.ts";
import { alreadyExists, GoogleError, inUse, notFound } from "./google-error.ts";
import { openJsonFile } from "./json-file.ts";
import { mergePatch } from "./merge-patch.ts";
import { partialPath, selfLink } from "./references.ts";
import type { Properties } from "./resources.ts";
import { checkUrlMap } from "./url-map-rules.ts";
import { outputOnlyFields, parseUrlMapContent, type UrlMapContent } from "./url-map-schema.ts";
import { absoluteReferences, collectReferences } from "./url-map-shape.ts";

const entrySchema = z.strictObject({
  project: z.string(),
  /** Rises with every change, so that going back to an older content still changes the fingerprint. */
  generation: z.int().min(1),
  id: z.string(),
  creationTimestamp: z.string(),
  content: propertiesSchema,
});
const documentSchema = z.strictObject({ version: z.literal(1), urlMaps: z.array(entrySchema) });

type Entry = z.infer<typeof entrySchema>;
type Document = z.infer<typeof documentSchema>;

export interface UrlMapsOptions {
  /** url-maps.json */
  readonly path: string;
  readonly clock: Clock;
  /** Whether the backend service of that path is there. */
  readonly backendServiceExists: (path: string) => boolean;
  /** The path of a proxy that uses the URL map of that path. */
  readonly usedBy: (path: string) => string | undefined;
}

export interface UrlMaps {
  get(project: string, name: string): UrlMap | undefined;
  list(
    project?: string,
  ): readonly { readonly project: string; readonly map: UrlMap; readonly content: UrlMapContent }[];
  insert(project: string, urlMap: Properties): Promise<UrlMap>;
  patch(project: string, name: string, fields: Properties, fingerprint: string | undefined): Promise<UrlMap>;
  update(project: string, name: string, urlMap: Properties, fingerprint: string | undefined): Promise<UrlMap>;
  /** Does nothing when there is none. Errors: GoogleError 400 when a proxy uses it. */
  delete(project: string, name: string): Promise<void>;
  /** The path of a URL map that refers to the backend service of that path. */
  userOf(backendService: string): string | undefined;
  onChange(listener: () => void): () => void;
}

/** URL maps with fingerprints, on disk. A change is checked, written and visible as one; two never interleave. */
export async function openUrlMaps(options: UrlMapsOptions): Promise<UrlMaps> {
  const file = await openJsonFile<Document>(options.path, documentSchema, { version: 1, urlMaps: [] });
  const listeners = new Set<() => void>();

  const find = (document: Document, project: string, name: string): Entry | undefined =>
    document.urlMaps.find((entry) => entry.project === project && entry.content["name"] === name);

  const required = (document: Document, project: string, name: string): Entry => {
    const entry = find(document, project, name);
    if (entry === undefined) throw notFound(pathOf(project, name));
    return entry;
  };

  const parse = (project: string, json: Properties): Properties => {
    const content = parseUrlMapContent(withoutOutputs(json));
    checkUrlMap(content, project, options.backendServiceExists);
    return absoluteReferences(withoutOutputs(json), project);
  };

  async function change(step: (document: Document) => Document): Promise<Document> {
    const document = await file.update(step);
    for (const listener of listeners) listener();
    return document;
  }

  async function replace(
    project: string,
    name: string,
    fingerprint: string | undefined,
    next: (content: Properties) => Properties,
  ): Promise<UrlMap> {
    const document = await change((document) => {
      const entry = required(document, project, name);
      if (fingerprint !== fingerprintOf(entry)) throw new FingerprintConflictError();
      const wanted = next(entry.content);
      if (wanted["name"] !== name) throw new GoogleError(400, "invalid", `The name of a URL map cannot be changed.`);
      const content = parse(project, wanted);
      if (JSON.stringify(content) === JSON.stringify(entry.content)) return document;
      const changed = { ...entry, generation: entry.generation + 1, content };
      return { version: 1, urlMaps: document.urlMaps.with(document.urlMaps.indexOf(entry), changed) };
    });
    return toRest(required(document, project, name));
  }

  return {
    get(project, name) {
      const entry = find(file.value, project, name);
      return entry && toRest(entry);
    },
    list: (project) =>
      file.value.urlMaps
        .filter((entry) => project === undefined || entry.project === project)
        .map((entry) => ({
          project: entry.project,
          map: toRest(entry),
          content: parseUrlMapContent(entry.content),
        })),
    async insert(project, urlMap) {
      const name = String(urlMap["name"]);
      const document = await change((document) => {
        if (find(document, project, name) !== undefined) throw alreadyExists(pathOf(project, name));
        const now = options.clock.now();
        const entry = {
          project,
          generation: 1,
          id: numericId(`${pathOf(project, name)}@${now}`),
          creationTimestamp: new Date(now).toISOString(),
          content: parse(project, urlMap),
        };
        return { version: 1, urlMaps: [...document.urlMaps, entry] };
      });
      return toRest(required(document, project, name));
    },
    patch: (project, name, fields, fingerprint) =>
      replace(project, name, fingerprint, (content) => mergePatch(content, withoutOutputs(fields))),
    update: (project, name, urlMap, fingerprint) => replace(project, name, fingerprint, () => urlMap),
    async delete(project, name) {
      const path = pathOf(project, name);
      await change((document) => {
        const user = options.usedBy(path);
        if (user !== undefined) throw inUse("url_map", path, user);
        const entry = find(document, project, name);
        if (entry === undefined) return document;
        return { version: 1, urlMaps: document.urlMaps.filter((other) => other !== entry) };
      });
    },
    userOf(backendService) {
      for (const entry of file.value.urlMaps) {
        let used = false;
        collectReferences(entry.content, (reference) => {
          if (partialPath(reference, entry.project) === backendService) used = true;
        });
        if (used) return pathOf(entry.project, String(entry.content["name"]));
      }
      return undefined;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** A number for a name, in the range that a double holds exactly, as the SDK types ids as numbers. */
export function numericId(text: string): string {
  const hash = createHash("sha256").update(text).digest();
  return String(hash.readUIntBE(0, 6) + 1_000_000_000);
}

function pathOf(project: string, name: string): string {
  return `projects/${project}/global/urlMaps/${name}`;
}

function fingerprintOf(entry: Entry): string {
  const text = `${entry.id}/${entry.generation}/${JSON.stringify(entry.content)}`;
  return createHash("sha256").update(text).digest().subarray(0, 8).toString("base64url").concat("=");
}

function toRest(entry: Entry): UrlMap {
  const name = String(entry.content["name"]);
  return {
    kind: "compute#urlMap",
    id: entry.id,
    creationTimestamp: entry.creationTimestamp,
    ...structuredClone(entry.content),
    name,
    selfLink: selfLink(pathOf(entry.project, name)),
    fingerprint: fingerprintOf(entry),
  };
}

function withoutOutputs(json: Properties): Properties {
  const outputs: readonly string[] = outputOnlyFields;
  return Object.fromEntries(Object.entries(json).filter(([name]) => !outputs.includes(name)));
}
