import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { cloudRunAgentClient } from "../../../automation/adapters/agent-cloud-run.ts";
import { createFailBack } from "../../../automation/adapters/fail-back-http.ts";
import { createGoogleClient } from "../../../automation/adapters/google-client.ts";
import { createGoogleTrafficRouter } from "../../../automation/adapters/google-traffic-router.ts";
import { createLocalRequestFeed } from "../../../automation/adapters/local-request-feed.ts";
import { createPrometheusMetrics } from "../../../automation/adapters/metrics-prometheus.ts";
import { createPagerDutyNotifier } from "../../../automation/adapters/notifier-pagerduty.ts";
import { createSlackNotifier } from "../../../automation/adapters/notifier-slack.ts";
import { createWebhookNotifier } from "../../../automation/adapters/notifier-webhook.ts";
import { createOpenTelemetryTracer } from "../../../automation/adapters/opentelemetry-tracer.ts";
import { readSecret } from "../../../automation/adapters/secret-reference.ts";
import { createDynamoStateStore } from "../../../automation/adapters/state-dynamodb.ts";
import { drawError, toSwitchyardError } from "../../../automation/cli/error-output.ts";
import { notice } from "../../support/notice.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

// Every adapter that sends a credential, and a server that repeats it. Neither the error, nor its causes, nor what --debug prints has it.

const secret = "marker7f3a9c51d2-of-this-test";
const clock = createVirtualClock();

let server: Server;
let url: string;
let status = 500;
let type = "application/json";
let form: (said: string) => unknown = (said) => said;
/** What it got, so that a test that sends nothing is found. */
let got: string[] = [];

const saidBy = (request: IncomingMessage, body: string): string =>
  `refused ${Object.entries(request.headers).join(" ")} at ${request.url} ${body}`;

beforeAll(async () => {
  server = createServer(async (request, reply) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const said = saidBy(request, body);
    got.push(said);
    // A collector's answer is told by its status line.
    const phrase = /marker[\w-]+/.exec(said)?.[0] ?? "none";
    reply.writeHead(status, `refused ${phrase}`, { "content-type": type }).end(JSON.stringify(form(said)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
afterEach(() => {
  got = [];
  type = "application/json";
  vi.unstubAllEnvs();
});

/** What can be seen of a failure, in any way. */
async function seenOf(work: Promise<unknown>): Promise<string> {
  const result: unknown = await work.catch((error: unknown) => error);
  const drawn = result instanceof Error ? drawError(toSwitchyardError(result), true) : "";
  return `${drawn}\n${inspect(result, { depth: 12, maxStringLength: null })}`;
}

const googleError = (said: string) => ({
  error: { code: status, message: said, errors: [{ reason: said, message: said }] },
});

const google = (variable: string) =>
  createGoogleClient({ env: { [variable]: `${url}/v1/`, GOOGLE_OAUTH_ACCESS_TOKEN: secret } });
const router = () =>
  createGoogleTrafficRouter({
    client: google("CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE"),
    project: "p",
    urlMap: "kiro",
    backendPrefix: "kiro",
    platforms: ["gke", "cloud-run"],
  });

describe("a server that repeats the credential", () => {
  test.each([400, 401, 403, 404, 412, 429, 500, 503])("Google's API, with %i", async (answered) => {
    status = answered;
    form = googleError;
    const seen = await seenOf(router().read());
    expect(got.join()).toContain(secret);
    expect(seen).toContain("[secret]");
    expect(seen).not.toContain(secret);
  });

  test("Google's API, in an answer of another form, and in an operation that failed", async () => {
    status = 200;
    form = (said) => ({ name: said, status: "DONE", fingerprint: said, description: said, defaultRouteAction: said });
    expect(await seenOf(router().read())).not.toContain(secret);
    form = (said) => said;
    expect(await seenOf(router().read())).not.toContain(secret);
    form = (said) => ({
      name: "operation-1",
      status: "DONE",
      error: { errors: [{ code: "X", message: said }] },
      fingerprint: "abc=",
      defaultRouteAction: { weightedBackendServices: [{ backendService: "x/kiro-gke", weight: 1 }] },
    });
    const seen = await seenOf(router().write({ gke: 100, "cloud-run": 0 }, "abc=", 1));
    expect(seen).toContain("accepted but failed: X: refused");
    expect(seen).not.toContain(secret);
  });

  test("Secret Manager", async () => {
    status = 403;
    form = googleError;
    const env = { CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: `${url}/v1/`, GOOGLE_OAUTH_ACCESS_TOKEN: secret };
    const seen = await seenOf(readSecret("secret-manager:projects/p/secrets/s", { env, pathOf: (path) => path }));
    expect(got.join()).toContain(secret);
    expect(seen).toContain("Secret Manager did not give projects/p/secrets/s");
    expect(seen).not.toContain(secret);
  });

  test("the local cloud's control API", async () => {
    form = (said) => said;
    status = 403;
    const options = { controlUrl: url, token: secret };
    for (const work of [
      createFailBack({ ...options, scope: "s" }).read("gke"),
      createLocalRequestFeed(options).read(undefined, 0),
    ]) {
      const seen = await seenOf(work);
      expect(got.join()).toContain(secret);
      expect(seen).toContain("it answered 403");
      expect(seen).not.toContain(secret);
    }
  });

  test("the balancer before an agent that wants an identity token", async () => {
    form = (said) => said.slice(said.indexOf("authorization"));
    status = 502;
    const agent = cloudRunAgentClient.connect({
      baseUrl: url,
      darkHost: "dark",
      identityToken: async () => secret,
    });
    const seen = await seenOf(agent.getPlatformInfo());
    expect(got.join()).toContain(secret);
    expect(seen).toContain("the balancer answered 502");
    expect(seen).not.toContain(secret);
  });

  test("the collector of traces", async () => {
    status = 401;
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_HEADERS: `x-key=1,authorization=Bearer%20${secret}`,
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const tracer = createOpenTelemetryTracer({ env, version: "1" });
    tracer.startSpan({ name: "one" }).end();
    const said = await tracer.close();
    expect(got.join()).toContain(secret);
    expect(said).toContain("did not take the traces: refused [secret]");
    expect(said).not.toContain(secret);
  });

  test("DynamoDB, and what is stored there", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", `${secret}-id`);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", `${secret}-key`);
    vi.stubEnv("AWS_SESSION_TOKEN", `${secret}-session`);
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", url);
    const store = createDynamoStateStore({ table: "t", region: "us-east-1", environment: "e", attempts: 1 });
    type = "application/x-amz-json-1.0";
    for (const name of [
      "InvalidSignatureException",
      "UnrecognizedClientException",
      "ResourceNotFoundException",
      "ValidationException",
    ]) {
      got = [];
      status = 400;
      form = (said) => ({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: `${said} ${secret}-key` });
      const read = await seenOf(store.read("lease"));
      expect(got.join()).toContain(`${secret}-session`);
      expect(read, name).toMatch(/Error: (state-unreachable|credentials-missing)/);
      expect(read, name).not.toContain(secret);
      expect(await seenOf(store.write("lease", "value", 0)), name).not.toContain(secret);
    }
    form = (said) => ({ __type: "com.amazonaws.dynamodb.v20120810#InvalidSignatureException", message: said });
    const making = createDynamoStateStore({ table: "t", region: "us-east-1", environment: "e", ensureTable: true });
    expect(await seenOf(making.read("lease"))).not.toContain(secret);
    await making.close();
    const bodies = got.map((said) => said.slice(said.indexOf("{")));
    expect(bodies.length).toBeGreaterThan(0);
    expect(bodies.join()).not.toContain(secret);
    await store.close();
  });
});

describe("an alert target that repeats", () => {
  const last = `${secret}-last-part`;
  test.each([
    [
      "Slack, the last part of its path",
      () => createSlackNotifier({ url: new URL(`${url}/services/T0/${last}`), clock }),
    ],
    ["a webhook, the last part of its path", () => createWebhookNotifier({ url: new URL(`${url}/${last}`), clock })],
    ["a webhook, its query", () => createWebhookNotifier({ url: new URL(`${url}/hook?token=${last}`), clock })],
    [
      "a webhook, its key, in base64",
      () => createWebhookNotifier({ url: new URL(`${url}/hook`), secret: last, clock }),
    ],
    ["PagerDuty, its key", () => createPagerDutyNotifier({ routingKey: last, region: "us", endpoint: url, clock })],
  ])("%s: what is said of the delivery has it not", async (_what, create) => {
    status = 403;
    form = () => `nobody knows ${last}, ${encodeURIComponent(last)}, ${Buffer.from(last).toString("base64")}`;
    const delivery = await create().notify(notice);
    expect(got).toHaveLength(1);
    expect(delivery).toMatchObject({ delivered: false, why: expect.stringContaining("it answered 403") });
    expect(inspect(delivery)).not.toContain(secret);
    expect(inspect(delivery)).not.toContain(Buffer.from(last).toString("base64").slice(0, 20));
  });

  test("nothing, because its address has a password that fetch repeats", async () => {
    const delivery = await createWebhookNotifier({ url: new URL(url.replace("//", `//ada:${secret}@`)), clock }).notify(
      notice,
    );
    expect(delivery).toMatchObject({ delivered: false });
    expect(inspect(delivery)).not.toContain(secret);
  });
});

describe("a credential that no header can carry, which fetch repeats", () => {
  const broken = `${secret}\nmore`;
  test.each([
    ["metrics", () => createPrometheusMetrics({ url, token: broken, clock }).names()],
    ["control API", () => createFailBack({ controlUrl: url, token: broken, scope: "s" }).read("gke")],
    [
      "Google",
      () =>
        createGoogleClient({
          env: { CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: url, GOOGLE_OAUTH_ACCESS_TOKEN: broken },
        }).request({ method: "GET", path: "x" }),
    ],
  ])("of %s", async (_what, ask) => {
    const seen = await seenOf(ask());
    expect(seen).toContain("invalid header value");
    expect(seen).not.toContain(secret);
  });
});
