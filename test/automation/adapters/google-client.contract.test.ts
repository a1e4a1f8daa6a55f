import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { createGoogleClient, type GoogleClient } from "../../../automation/adapters/google-client.ts";
import { createGoogleNetworkEndpointGroups } from "../../../automation/adapters/google-network-endpoint-groups.ts";
import { createGoogleTrafficRouter, fenceOf, withFence } from "../../../automation/adapters/google-traffic-router.ts";
import { isConfidential } from "../../../automation/adapters/loopback.ts";
import type { TrafficRouter } from "../../../automation/ports/traffic-router.ts";

const token = "ya29.secret-of-a-test";
let server: Server | undefined;

const serve = async (listener: RequestListener): Promise<GoogleClient> => {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  return createGoogleClient({
    env: {
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `http://127.0.0.1:${port}/compute/v1/`,
      GOOGLE_OAUTH_ACCESS_TOKEN: token,
    },
  });
};

const answer =
  (status: number, body: unknown, seen: IncomingMessage[] = []): RequestListener =>
  (request, reply) => {
    seen.push(request);
    reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };

const failure = (code: number, reason: string, message: string) => ({
  error: { code, message, errors: [{ reason, message }] },
});

const router = (client: GoogleClient): TrafficRouter =>
  createGoogleTrafficRouter({
    client,
    project: "p",
    urlMap: "kiro",
    backendPrefix: "kiro",
    platforms: ["gke", "cloud-run"],
  });

const entry = (name: string, weight: number) => ({
  backendService: `https://www.googleapis.com/compute/v1/projects/p/global/backendServices/${name}`,
  weight,
});
const urlMap = (...weightedBackendServices: object[]) => ({
  name: "kiro",
  fingerprint: "abc=",
  defaultRouteAction: { weightedBackendServices },
});

afterEach(async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  server?.close(resolve);
  server?.closeAllConnections();
  if (server !== undefined) await promise;
  server = undefined;
});

describe("where credentials may go", () => {
  test.each([
    ["https://compute.googleapis.com/", true],
    ["http://127.0.0.1:1/", true],
    ["http://127.9.9.9/", true],
    ["http://[::1]:1/", true],
    ["http://localhost:1/", true],
    ["http://localhost.example.com/", false],
    ["http://127.0.0.1.example.com/", false],
    ["http://10.0.0.1/", false],
    ["ftp://127.0.0.1/", false],
  ])("%s: %s", (url, expected) => {
    expect(isConfidential(new URL(url))).toBe(expected);
  });

  test("a client for plain HTTP elsewhere is refused before anything is sent", () => {
    const env = {
      CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: "http://192.0.2.1/compute/v1/",
      GOOGLE_OAUTH_ACCESS_TOKEN: token,
    };
    expect(() => createGoogleClient({ env })).toThrow(expect.objectContaining({ code: "credentials-over-http" }));
  });

  test("an endpoint that is no URL is named", () => {
    const env = { CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: "compute" };
    expect(() => createGoogleClient({ env })).toThrow(expect.objectContaining({ code: "invalid-config" }));
  });

  test("a redirect is not followed", async () => {
    const paths: (string | undefined)[] = [];
    const client = await serve((request, reply) => {
      paths.push(request.url);
      if (paths.length === 1) reply.writeHead(302, { location: "/elsewhere" }).end();
      else
        reply.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(urlMap(entry("kiro-gke", 1))));
    });
    await expect(router(client).read()).rejects.toMatchObject({ code: "traffic-unreachable" });
    expect(paths).toHaveLength(1);
  });
});

describe("requests", () => {
  test("carry the token, to the path below the endpoint", async () => {
    const seen: IncomingMessage[] = [];
    const client = await serve(answer(200, urlMap(entry("kiro-gke", 1_000)), seen));
    await router(client).read();
    expect(seen.map((request) => [request.method, request.url, request.headers.authorization])).toEqual([
      ["GET", "/compute/v1/projects/p/global/urlMaps/kiro", `Bearer ${token}`],
    ]);
  });

  test.each([
    [401, "credentials-missing"],
    [403, "traffic-refused"],
    [404, "traffic-not-found"],
    [412, "fingerprint-conflict"],
    [429, "traffic-unreachable"],
    [500, "traffic-unreachable"],
    [503, "traffic-unreachable"],
  ])("%i is %s, with Google's text, once, and without the token", async (status, code) => {
    const seen: IncomingMessage[] = [];
    const client = await serve(answer(status, failure(status, "because", "Text of Google."), seen));
    const error: unknown = await router(client)
      .read()
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringContaining("because: Text of Google.") });
    expect(seen).toHaveLength(1);
    expect(inspect(error, { depth: 10 })).not.toContain(token);
  });

  test("a connection that breaks is unreachable, and the error has no token in it", async () => {
    const client = await serve((_, reply) => void reply.destroy());
    const error: unknown = await router(client)
      .read()
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "traffic-unreachable" });
    expect(inspect(error, { depth: 10 })).not.toContain(token);
  });

  test("an aborted one ends with the reason", async () => {
    const client = await serve(() => {});
    const controller = new AbortController();
    const reading = router(client).read(controller.signal);
    setImmediate(() => controller.abort(new Error("enough")));
    await expect(reading).rejects.toThrow("enough");
  });
});

describe("a map that is not understood", () => {
  test.each([
    ["no JSON object", "text"],
    ["no weights", { name: "kiro", fingerprint: "a", defaultService: "x" }],
    ["a backend of no platform", urlMap(entry("kiro-moon", 1_000))],
    ["one platform twice", urlMap(entry("kiro-gke", 500), entry("kiro-gke", 500))],
    ["weights of 0", urlMap(entry("kiro-gke", 0))],
    ["a weight out of range", urlMap(entry("kiro-gke", 1_001))],
  ])("%s", async (_what, body) => {
    const client = await serve(answer(200, body));
    await expect(router(client).read()).rejects.toMatchObject({ code: "traffic-reply-invalid" });
  });

  test("weights that do not add up to 1,000 are shares all the same", async () => {
    const client = await serve(answer(200, urlMap(entry("kiro-gke", 1), entry("kiro-cloud-run", 3))));
    expect((await router(client).read()).weights).toEqual({ gke: 25, "cloud-run": 75 });
  });
});

describe("the fencing token in the description", () => {
  test.each([
    ["", 0],
    ["The edge of kiro.", 0],
    ["switchyard fence=17", 17],
    ["The edge of kiro. switchyard fence=17 Do not touch.", 17],
    ["switchyard fence=3 switchyard fence=12 switchyard fence=5", 12],
    ["notswitchyard fence=3", 0],
    ["switchyard fence=", undefined],
    ["switchyard fence=-1", undefined],
    ["switchyard fence=9007199254740993", undefined],
  ])("of %j is %j", (description, fence) => {
    expect(fenceOf(description)).toBe(fence);
  });

  test("is put in place of the older ones and leaves the rest of the text", () => {
    expect(withFence("", 1)).toBe("switchyard fence=1 write=1");
    expect(withFence("switchyard fence=1", 2)).toBe("switchyard fence=2 write=1");
    expect(withFence("switchyard fence=2 write=41", 2)).toBe("switchyard fence=2 write=42");
    expect(withFence("The edge. switchyard fence=1 Do not touch. switchyard fence=x", 2)).toBe(
      "The edge. Do not touch. switchyard fence=2 write=1",
    );
  });

  test("that is damaged is not taken for none", async () => {
    const client = await serve(answer(200, { ...urlMap(entry("kiro-gke", 100)), description: "switchyard fence=x" }));
    await expect(router(client).read()).rejects.toMatchObject({
      code: "traffic-reply-invalid",
      message: expect.stringContaining("'switchyard fence=x'"),
    });
  });
});

describe("a write", () => {
  const answering = async (operation: unknown, waited: unknown[] = []) => {
    const bodies: unknown[] = [];
    const paths: string[] = [];
    const client = await serve(async (request, reply) => {
      paths.push(`${request.method} ${request.url?.replace("/compute/v1/projects/p/global/", "")}`);
      let text = "";
      for await (const chunk of request) text += String(chunk);
      if (text !== "") bodies.push(JSON.parse(text));
      const map = {
        ...urlMap(entry("kiro-gke", 5), entry("kiro-cloud-run", 995)),
        description: "the edge of kiro switchyard fence=4",
      };
      const body = request.method === "GET" ? map : request.method === "PATCH" ? operation : waited.shift();
      reply.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    return { client, bodies, paths };
  };

  const write = async (operation: unknown, waited: unknown[] = []) => {
    const { client, bodies, paths } = await answering(operation, waited);
    const result = await router(client)
      .write({ gke: 0.5, "cloud-run": 99.5 }, "abc=", 17)
      .catch((caught: unknown) => caught);
    return { result, bodies, paths };
  };

  test("sends the fingerprint and entries that stamp their side, waits for the operation, and reads", async () => {
    const running = { name: "operation-1", status: "RUNNING" };
    const { result, bodies, paths } = await write(running, [running, { ...running, status: "DONE" }]);
    expect(paths).toEqual([
      "GET urlMaps/kiro",
      "PATCH urlMaps/kiro",
      "POST operations/operation-1/wait",
      "POST operations/operation-1/wait",
      "GET urlMaps/kiro",
    ]);
    const stamped = (platform: string, weight: number) => ({
      backendService: `projects/p/global/backendServices/kiro-${platform}`,
      weight,
      headerAction: {
        responseHeadersToAdd: [{ headerName: "x-switchyard-side", headerValue: platform, replace: true }],
      },
    });
    expect(bodies[0]).toEqual({
      fingerprint: "abc=",
      description: "the edge of kiro switchyard fence=17 write=1",
      defaultRouteAction: { weightedBackendServices: [stamped("gke", 5), stamped("cloud-run", 995)] },
    });
    expect(result).toEqual({ weights: { gke: 0.5, "cloud-run": 99.5 }, fingerprint: "abc=", fence: 4 });
  });

  test("with a fingerprint that the map no longer has, sends nothing", async () => {
    const { client, paths } = await answering({ name: "operation-1", status: "DONE" });
    await expect(router(client).write({ gke: 100 }, "older=", 17)).rejects.toMatchObject({
      code: "fingerprint-conflict",
    });
    expect(paths).toEqual(["GET urlMaps/kiro"]);
  });

  test.each([
    ["CONDITION_NOT_MET", "fingerprint-conflict"],
    ["RESOURCE_NOT_FOUND", "traffic-refused"],
  ])("an operation that fails with %s is %s", async (code, expected) => {
    const failed = { name: "operation-1", status: "DONE", error: { errors: [{ code, message: "Text." }] } };
    expect((await write(failed)).result).toMatchObject({ code: expected, message: expect.stringContaining("Text.") });
  });
});

describe("endpoint groups", () => {
  test("those of the name in all zones and pages, none where the API has only warnings", async () => {
    const pages = [
      {
        items: {
          "zones/us-central1-a": { networkEndpointGroups: [{ name: "kiro-gke" }, { name: "other" }] },
          "zones/us-central1-b": { warning: { code: "NO_RESULTS_ON_PAGE" } },
          "regions/us-central1": { networkEndpointGroups: [{ name: "kiro-gke" }] },
        },
        nextPageToken: "2",
      },
      { items: { "zones/us-central1-c": { networkEndpointGroups: [{ name: "kiro-gke" }] } } },
    ];
    const urls: string[] = [];
    const client = await serve((request, reply) => {
      urls.push(request.url ?? "");
      reply.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(pages.shift()));
    });
    const groups = createGoogleNetworkEndpointGroups({ client, project: "p" });
    expect(await groups.find("kiro-gke")).toEqual([
      { name: "kiro-gke", zone: "us-central1-a" },
      { name: "kiro-gke", zone: "us-central1-c" },
    ]);
    expect(new URL(urls[1] ?? "", "http://x").searchParams.get("pageToken")).toBe("2");
  });

  test("an answer of another form is not understood", async () => {
    const client = await serve(answer(200, { items: [] }));
    const groups = createGoogleNetworkEndpointGroups({ client, project: "p" });
    await expect(groups.find("kiro-gke")).rejects.toMatchObject({ code: "traffic-reply-invalid" });
  });
});
