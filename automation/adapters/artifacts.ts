/** Charts of Helm and OCI repositories and images of registries, without any login. An index of Helm is read once for all its charts. */
import type { Artifact, ArtifactAnswer, Artifacts } from "../ports/artifacts.ts";
import type { Clock } from "../ports/clock.ts";
import { NoAnswer } from "./bounded-request.ts";
import { type HelmIndex, plain, readHelmIndex } from "./helm-index.ts";
import { lookForTag, ociReference } from "./oci-registry.ts";

const defaultTimeoutMs = 30_000;
const keptMs = 600_000;

export interface ArtifactsOptions {
  readonly clock: Pick<Clock, "now">;
  /** Time for one answer, ms; default 30,000. */
  readonly timeoutMs?: number;
}

export function createArtifacts({ clock, timeoutMs = defaultTimeoutMs }: ArtifactsOptions): Artifacts {
  const indexes = new Map<string, { readonly readAt: number; readonly index: Promise<HelmIndex> }>();

  function indexOf(source: string): Promise<HelmIndex> {
    const known = indexes.get(source);
    if (known !== undefined && clock.now() - known.readAt < keptMs) return known.index;
    // Without the caller's signal: others wait for the same one.
    const index = readHelmIndex(source, timeoutMs, undefined);
    indexes.set(source, { readAt: clock.now(), index });
    index.catch(() => {
      if (indexes.get(source)?.index === index) indexes.delete(source);
    });
    return index;
  }

  async function inHelmRepository({ name, version, source }: Artifact, signal?: AbortSignal): Promise<ArtifactAnswer> {
    const index = await orAborted(indexOf(source), signal);
    const versions = index.get(name);
    if (versions === undefined) return { kind: "missing", why: `its index has no chart ${name}` };
    return versions.has(plain(version))
      ? { kind: "found" }
      : { kind: "missing", why: `its index has ${versions.size} other versions of ${name}` };
  }

  function inRegistry(address: string, version: string, signal?: AbortSignal): Promise<ArtifactAnswer> {
    const reference = ociReference(address, version);
    if (reference === undefined) throw new NoAnswer(`${address}:${version} is no name of an image`);
    return lookForTag(reference, timeoutMs, signal);
  }

  /** Errors: NoAnswer; the signal's reason. */
  async function look(artifact: Artifact, signal?: AbortSignal): Promise<ArtifactAnswer> {
    signal?.throwIfAborted();
    const { kind, name, version, source } = artifact;
    const path = source.replace(/\/+$/, "");
    const whole = path.endsWith(`/${name}`) ? path : `${path}/${name}`;
    if (kind === "image") return inRegistry(whole, version, signal);
    if (source.startsWith("oci://")) return inRegistry(whole.slice("oci://".length), version, signal);
    if (/^https?:\/\//.test(source)) return inHelmRepository(artifact, signal);
    throw new NoAnswer(`${source} is neither a Helm repository nor an OCI one`);
  }

  return {
    async look(artifact, signal) {
      try {
        return await look(artifact, signal);
      } catch (error) {
        if (error instanceof NoAnswer) return { kind: "unknown", why: error.message };
        throw error;
      }
    },
  };
}

function orAborted<Value>(value: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return value;
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  return Promise.race([value, promise]).finally(() => signal.removeEventListener("abort", stop));
}
