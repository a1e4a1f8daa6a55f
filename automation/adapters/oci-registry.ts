/** Whether a registry has a tag, by the API that all of them share: a HEAD of its manifest, with a token for nobody where one is asked for. */
import { z } from "zod";
import type { ArtifactAnswer } from "../ports/artifacts.ts";
import { type BoundedReply, boundedRequest, NoAnswer } from "./bounded-request.ts";
import { parseJson } from "./json-text.ts";
import { isConfidential } from "./loopback.ts";

const mostBytes = 1_000_000;

const accepted = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

export interface OciReference {
  /** `ghcr.io`, `127.0.0.1:5000` */
  readonly registry: string;
  /** `istio/release/charts/istiod` */
  readonly repository: string;
  readonly tag: string;
}

const registryForm = /^(?:localhost|[a-z0-9.-]+\.[a-z0-9-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;
const repositoryForm = /^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/;
const tagForm = /^\w[\w.-]{0,127}$/;

/** `docker.io/istio/pilot` and its tag; undefined when it is none. A first part without dot and port is a user of Docker Hub, as Docker reads it. */
export function ociReference(address: string, version: string): OciReference | undefined {
  const [first = "", ...rest] = address.split("/");
  const named = /[.:]/.test(first) || first === "localhost";
  const registry = named ? first : "docker.io";
  const path = named ? rest : [first, ...rest];
  const hub = registry === "docker.io";
  const repository = (hub && path.length === 1 ? ["library", ...path] : path).join("/");
  // Helm writes the plus of a version as an underscore.
  const tag = version.replace("+", "_");
  return registryForm.test(registry) && repositoryForm.test(repository) && tagForm.test(tag)
    ? { registry, repository, tag }
    : undefined;
}

/** Docker Hub's API has another name than its images; on this machine registries have no certificates. */
function baseOf(registry: string): URL {
  if (registry === "docker.io") return new URL("https://registry-1.docker.io/");
  const plain = new URL(`http://${registry}/`);
  return isConfidential(plain) ? plain : new URL(`https://${registry}/`);
}

const refusal = z.looseObject({ errors: z.array(z.looseObject({ code: z.string() })).min(1) });
const tokenReply = z.union([
  z.looseObject({ token: z.string().min(1) }).transform(({ token }) => token),
  z.looseObject({ access_token: z.string().min(1) }).transform(({ access_token }) => access_token),
]);

/** Errors: NoAnswer; the signal's reason. */
export async function lookForTag(
  { registry, repository, tag }: OciReference,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<ArtifactAnswer> {
  const url = new URL(`v2/${repository}/manifests/${tag}`, baseOf(registry));
  const ask = (method: "GET" | "HEAD", token: string | undefined): Promise<BoundedReply> =>
    boundedRequest(
      url,
      {
        method,
        timeoutMs,
        mostBytes,
        headers: { accept: accepted, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
      },
      signal,
    );
  const first = await ask("HEAD", undefined);
  const token = first.status === 401 ? await tokenFor(first.headers, url, repository, timeoutMs, signal) : undefined;
  const { status, headers } = token === undefined ? first : await ask("HEAD", token);
  if (status === 200) return { kind: "found" };
  // A reply to HEAD says nothing more than its number, which a page of somebody else's may have, too.
  if (status === 404) return confirmed(await ask("GET", token), registry);
  return { kind: "unknown", why: explanation(status, headers, registry) };
}

function confirmed({ status, text }: BoundedReply, registry: string): ArtifactAnswer {
  const said = refusal.safeParse(parseJson(text ?? ""));
  const code = said.success ? (said.data.errors[0]?.code ?? "") : "";
  return status === 404 && ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"].includes(code)
    ? { kind: "missing", why: `${registry} says ${code}` }
    : { kind: "unknown", why: `${registry} answered ${status} as no registry does` };
}

function explanation(status: number, headers: Headers, registry: string): string {
  if (status === 401 || status === 403) return `${registry} shows it to nobody without a login (${status})`;
  if (status !== 429) return `${registry} answered ${status}`;
  const after = headers.get("retry-after");
  return `${registry} has had enough requests from here${after === null ? "" : `; again after ${after}`}`;
}

/** Errors: NoAnswer. */
async function tokenFor(
  headers: Headers,
  asked: URL,
  repository: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  const challenge = headers.get("www-authenticate") ?? "";
  if (!/^bearer\s/i.test(challenge)) throw new NoAnswer(`${asked.host} shows it to nobody without a login`);
  const fields = new Map(
    [...challenge.matchAll(/([a-z_]+)="([^"]*)"/gi)].map(([, name = "", value = ""]) => [name.toLowerCase(), value]),
  );
  const realm = fields.get("realm") ?? "";
  // Where the registry sends everybody; from the outside never to a server of this machine.
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  const allowed =
    url !== undefined && (url.protocol === "https:" || (isConfidential(url) && asked.protocol === "http:"));
  if (!allowed) throw new NoAnswer(`${asked.host} sends for a token to ${JSON.stringify(realm)}`);
  const service = fields.get("service");
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", `repository:${repository}:pull`);
  const { status, text } = await boundedRequest(url, { timeoutMs, mostBytes }, signal);
  const token = tokenReply.safeParse(parseJson(text ?? ""));
  if (status !== 200 || !token.success) throw new NoAnswer(`${url.host} gives no token without a login (${status})`);
  return token.data;
}
