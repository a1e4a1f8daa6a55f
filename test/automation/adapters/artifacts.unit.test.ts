import { afterEach, describe, expect, test } from "vitest";
import { createArtifacts } from "../../../automation/adapters/artifacts.ts";
import { ociReference } from "../../../automation/adapters/oci-registry.ts";
import type { Artifact, ArtifactAnswer } from "../../../automation/ports/artifacts.ts";
import {
  type ArtifactServer,
  type RegistryRules,
  serveHelmRepository,
  serveRegistry,
} from "../../support/artifact-servers.ts";

const servers: ArtifactServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const index = `apiVersion: v1
entries:
  base:
  - apiVersion: v2
    name: base
    urls: [base-1.31.1.tgz]
    version: 1.31.1
  - name: base
    version: "1.30"
  istiod:
  - name: istiod
    version: v1.31.1+9f2b
  empty: null
generated: "2026-09-21T10:00:00Z"
`;

async function helm(answer: () => string | { readonly status: number } | "hang" = () => index) {
  const server = await serveHelmRepository(answer);
  servers.push(server);
  let now = 0;
  const artifacts = createArtifacts({ clock: { now: () => now }, timeoutMs: 2_000 });
  return {
    server,
    pass: (ms: number) => {
      now += ms;
    },
    artifacts,
    look: (change: Partial<Artifact> = {}, signal?: AbortSignal) =>
      artifacts.look(
        { kind: "chart", name: "base", version: "1.31.1", source: `http://${server.host}/charts`, ...change },
        signal,
      ),
  };
}

async function registry(rules: RegistryRules) {
  const server = await serveRegistry(rules);
  servers.push(server);
  const artifacts = createArtifacts({ clock: { now: () => 0 }, timeoutMs: 2_000 });
  return {
    server,
    look: (change: Partial<Artifact> = {}, signal?: AbortSignal): Promise<ArtifactAnswer> =>
      artifacts.look(
        { kind: "image", name: "pilot", version: "1.31.1", source: `${server.host}/istio`, ...change },
        signal,
      ),
  };
}

describe("charts of a Helm repository", () => {
  test.each([
    ["a version that is there", {}, "found"],
    ["one that its author spells otherwise", { name: "istiod" }, "found"],
    ["another version", { version: "1.31.2" }, "missing"],
    ["a version that begins alike", { version: "1.31" }, "missing"],
    ["another chart", { name: "gateway" }, "missing"],
    ["a chart without any version", { name: "empty" }, "missing"],
    ["a slash at the end of the address", undefined, "found"],
  ] as const)("%s", async (_, change, kind) => {
    const { look, server } = await helm();
    expect((await look(change ?? { source: `http://${server.host}/charts/` })).kind).toBe(kind);
  });

  test("its index is read once for all charts, and again after ten minutes", async () => {
    const { look, server, pass } = await helm();
    await Promise.all([look(), look({ name: "istiod" }), look({ name: "gateway" })]);
    expect(server.requests).toEqual(["GET /charts/index.yaml"]);
    pass(599_999);
    await look();
    expect(server.requests).toHaveLength(1);
    pass(1);
    await look();
    expect(server.requests).toHaveLength(2);
  });

  test("an index that could not be read is asked for again at once", async () => {
    let broken = true;
    const { look } = await helm(() => (broken ? { status: 503 } : index));
    expect(await look()).toMatchObject({ kind: "unknown", why: expect.stringMatching(/answered 503 for its index/) });
    broken = false;
    expect(await look()).toEqual({ kind: "found" });
  });

  test.each([
    ["no index there (a wrong path is not a missing chart)", () => ({ status: 404 }), /answered 404/],
    ["a login page", () => "<html>please log in</html>", /no index of charts/],
    ["an index cut off", () => index.slice(0, 60), /no index of charts|broken YAML/],
    ["broken YAML", () => 'entries: {"a": [', /broken YAML/],
    [
      "aliases",
      () => "apiVersion: v1\nentries:\n  a: &a\n  - version: 1.0.0\n  base: *a\ngenerated: now\n",
      /no plain YAML/,
    ],
    ["an index beyond all measure", () => `apiVersion: v1\n#${"x".repeat(33_000_000)}\n`, /more than 32 MB/],
  ])("%s is not known, never missing", async (_, answer, why) => {
    const { look } = await helm(answer);
    expect(await look()).toMatchObject({ kind: "unknown", why: expect.stringMatching(why) });
  });

  test("an index in JSON is read, too", async () => {
    const { look } = await helm(() =>
      JSON.stringify({ apiVersion: "v1", entries: { base: [{ version: "1.31.1" }] }, generated: "" }),
    );
    expect(await look()).toEqual({ kind: "found" });
  });

  test("a source that hangs is not known after its time; who asks may leave before", async () => {
    const { server } = await helm(() => "hang");
    const source = `http://${server.host}/charts`;
    const quick = createArtifacts({ clock: { now: () => 0 }, timeoutMs: 30 });
    const chart: Artifact = { kind: "chart", name: "base", version: "1.31.1", source };
    expect(await quick.look(chart)).toMatchObject({ kind: "unknown", why: expect.stringMatching(/within 30 ms/) });
    const slow = createArtifacts({ clock: { now: () => 0 }, timeoutMs: 2_000 });
    const abort = new AbortController();
    const asked = slow.look(chart, abort.signal);
    abort.abort(new Error("enough"));
    await expect(asked).rejects.toThrow("enough");
    await expect(slow.look(chart, abort.signal)).rejects.toThrow("enough");
  });

  test.each([
    ["nothing listens", "http://127.0.0.1:1/charts", /ECONNREFUSED|bad port|fetch failed/i],
    [
      "a password in the address, which is not sent nor repeated",
      "https://user:hunter22@charts.example.com",
      /holds a password/,
    ],
    ["no address", "https://", /no address/],
    ["a bucket", "s3://charts", /neither a Helm repository nor an OCI one/],
  ])("%s: not known", async (_, source, why) => {
    const { look } = await helm();
    const answer = await look({ source });
    expect(answer).toMatchObject({ kind: "unknown", why: expect.stringMatching(why) });
    expect(JSON.stringify(answer)).not.toContain("hunter22");
  });
});

describe("images and charts of a registry", () => {
  const tags = ["istio/pilot:1.31.1", "release/charts/istiod:1.31.1", "istio/pilot:1.31.1_9f2b"];

  test("a token for nobody is fetched where the registry sends for it", async () => {
    const { look, server } = await registry({ tags });
    expect(await look()).toEqual({ kind: "found" });
    expect(server.requests).toEqual([
      "HEAD /v2/istio/pilot/manifests/1.31.1",
      "GET /token?service=registry&scope=repository%3Aistio%2Fpilot%3Apull",
      "HEAD /v2/istio/pilot/manifests/1.31.1",
    ]);
  });

  test.each([
    ["an open registry", { access: "open" }, {}, "found"],
    ["another tag", {}, { version: "1.31.2" }, "missing"],
    ["another image", {}, { name: "pilots" }, "missing"],
    ["a plus, which Helm writes as an underscore", {}, { version: "1.31.1+9f2b" }, "found"],
    ["a private repository", { access: "login" }, {}, "unknown"],
    ["a registry that asks for a password", { access: "basic" }, {}, "unknown"],
    ["too many requests", { status: 429 }, {}, "unknown"],
    ["a registry that is broken", { status: 503 }, {}, "unknown"],
    ["a registry that forbids it", { status: 403 }, {}, "unknown"],
    ["a page of somebody else's", { foreign404: true }, { version: "1.31.2" }, "unknown"],
    ["a realm that is no address", { realm: "nowhere" }, {}, "unknown"],
    ["a realm over plain HTTP elsewhere", { realm: "http://tokens.example.com/token" }, {}, "unknown"],
    ["a name that is none", {}, { name: "Pilot; rm" }, "unknown"],
    ["a version that is no tag", {}, { version: "../1" }, "unknown"],
  ] as const)("%s", async (_, rules, change, kind) => {
    const { look } = await registry({ tags, ...rules });
    const answer = await look(change);
    expect(answer.kind).toBe(kind);
    if (answer.kind !== "found") expect(answer.why).not.toBe("");
  });

  test.each(["", "/", "/istiod"])("an OCI chart is found with its name in the address or without: %j", async (end) => {
    const { look, server } = await registry({ tags });
    const source = `oci://${server.host}/release/charts${end}`;
    expect(await look({ kind: "chart", name: "istiod", source })).toEqual({ kind: "found" });
    expect((await look({ kind: "chart", name: "istiod", version: "1.0.0", source })).kind).toBe("missing");
  });

  test("says when to come back", async () => {
    const { look } = await registry({ tags, status: 429 });
    expect(await look()).toMatchObject({ why: expect.stringMatching(/again after 120/) });
  });

  test.each([
    ["docker.io/istio/pilot", "docker.io", "istio/pilot"],
    ["istio/pilot", "docker.io", "istio/pilot"],
    ["pilot", "docker.io", "library/pilot"],
    ["ghcr.io/istio/release/charts/istiod", "ghcr.io", "istio/release/charts/istiod"],
    ["localhost/istio/pilot", "localhost", "istio/pilot"],
    ["registry.example.com:5000/istio/pilot", "registry.example.com:5000", "istio/pilot"],
  ])("%s is at %s as %s", (address, host, repository) => {
    expect(ociReference(address, "1.31.1")).toEqual({ registry: host, repository, tag: "1.31.1" });
  });

  test.each(["", "https://docker.io/istio", "docker.io", "docker.io/Istio/pilot", "docker.io/istio//", "a b/c"])(
    "%j is no name of an image",
    (address) => {
      expect(ociReference(address, "1.31.1")).toBeUndefined();
    },
  );
});
