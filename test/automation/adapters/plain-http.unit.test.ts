import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { cloudRunAgentClient } from "../../../automation/adapters/agent-cloud-run.ts";
import { datadogApi } from "../../../automation/adapters/datadog-api.ts";
import { openDynamoTable } from "../../../automation/adapters/dynamodb.ts";
import { openEksCluster } from "../../../automation/adapters/eks.ts";
import { createFailBack } from "../../../automation/adapters/fail-back-http.ts";
import { createGoogleClient } from "../../../automation/adapters/google-client.ts";
import { openKubeconfig } from "../../../automation/adapters/kubeconfig.ts";
import { createKubernetesApi } from "../../../automation/adapters/kubernetes-api.ts";
import { createOpenAiModel } from "../../../automation/adapters/language-models.ts";
import { findLocalCloud } from "../../../automation/adapters/local-cloud.ts";
import { createLocalRequestFeed } from "../../../automation/adapters/local-request-feed.ts";
import { createDatadogMetrics } from "../../../automation/adapters/metrics-datadog.ts";
import { createPrometheusMetrics } from "../../../automation/adapters/metrics-prometheus.ts";
import { createSlackNotifier } from "../../../automation/adapters/notifier-slack.ts";
import { startTimeOf } from "../../../automation/adapters/process-facts.ts";
import { prometheusApi } from "../../../automation/adapters/prometheus-api.ts";
import { createDynamoStateStore } from "../../../automation/adapters/state-dynamodb.ts";
import { openAwsSession } from "../../../automation/adapters/sts.ts";
import { notice } from "../../support/notice.ts";
import { removeFolder } from "../../support/remove-folder.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

// Every adapter that sends a credential refuses plain HTTP to another machine before anything is sent. 192.0.2.0/24 is nobody's.

const elsewhere = "http://192.0.2.1";
const clock = createVirtualClock();
const turn = async (): Promise<void> => undefined;
const folder = join(import.meta.dirname, "../../../automation/adapters");

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "switchyard-http-"));
  const local = join(root, ".switchyard", "local");
  await mkdir(local, { recursive: true });
  const tokenFile = join(local, "token");
  await writeFile(tokenFile, "secret");
  const startTime = await startTimeOf(process.pid);
  const daemon = {
    pid: process.pid,
    startTime,
    controlUrl: elsewhere,
    tokenFile,
    providers: {},
    googleEndpoint: elsewhere,
  };
  await writeFile(join(local, "daemon.json"), JSON.stringify(daemon));
});
afterAll(() => removeFolder(root));

/** Asks each adapter for something that would send its credential to another machine. */
const refusals: Readonly<Record<string, () => unknown>> = {
  "agent-cloud-run.ts": () =>
    cloudRunAgentClient
      .connect({ baseUrl: elsewhere, darkHost: "d", identityToken: async () => "secret" })
      .healthCheck(),
  "control-api.ts": async () => createLocalRequestFeed({ controlUrl: elsewhere, token: "secret" }),
  "datadog-api.ts": async () =>
    datadogApi({ site: "datadoghq.eu", apiKey: "secret", applicationKey: "secret", endpoint: elsewhere, clock }),
  "dynamodb.ts": () =>
    openDynamoTable({
      table: "t",
      region: "us-east-1",
      keys: ["k"],
      setting: "s",
      endpoint: async () => elsewhere,
    }).get({ k: { S: "a" } }),
  "eks.ts": () =>
    openEksCluster(
      { cluster: "c", region: "us-east-1", roleArn: undefined },
      { env: { AWS_ENDPOINT_URL_EKS: elsewhere, AWS_ENDPOINT_URL_STS: "http://127.0.0.1:1" }, clock, turn },
    ).facts(),
  "fail-back-http.ts": async () => createFailBack({ controlUrl: elsewhere, token: "secret", scope: "s" }),
  "google-client.ts": async () =>
    createGoogleClient({
      env: { GOOGLE_OAUTH_ACCESS_TOKEN: "secret", CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: elsewhere },
    }),
  "kubernetes-request.ts": () =>
    createKubernetesApi({
      connection: {
        description: "c",
        access: async () => ({ server: elsewhere, token: "secret" }),
        forget: () => undefined,
      },
      clock,
    }).version(),
  "kubeconfig.ts": async () => {
    const path = join(root, "kubeconfig");
    const config = {
      clusters: [{ name: "c", cluster: { server: elsewhere } }],
      users: [{ name: "u", user: { token: "secret" } }],
      contexts: [{ name: "one", context: { cluster: "c", user: "u" } }],
    };
    await writeFile(path, JSON.stringify(config));
    return openKubeconfig({ path, context: "one" }).access();
  },
  "language-models.ts": async () => createOpenAiModel({ model: "m", apiKey: "secret", endpoint: elsewhere }),
  "local-cloud.ts": () => findLocalCloud(root),
  "metrics-datadog.ts": async () =>
    createDatadogMetrics({
      site: "datadoghq.eu",
      apiKey: "secret",
      applicationKey: "secret",
      endpoint: elsewhere,
      clock,
    }),
  "metrics-prometheus.ts": async () => createPrometheusMetrics({ url: elsewhere, token: "secret", clock }),
  "prometheus-api.ts": async () => prometheusApi({ url: elsewhere, token: "secret", clock }),
  "sts.ts": () =>
    openAwsSession(
      { region: "us-east-1", roleArn: "arn:aws:iam::123456789012:role/guard", sessionName: "s" },
      { env: { AWS_ENDPOINT_URL_STS: elsewhere }, clock, turn },
    ).credentials(),
  "state-dynamodb.ts": () =>
    createDynamoStateStore({ table: "t", region: "us-east-1", environment: "e", endpoint: async () => elsewhere }).read(
      "a",
    ),
};

describe("plain HTTP to another machine", () => {
  it.each(Object.entries(refusals))("%s refuses, and sends nothing", async (_file, ask) => {
    await expect(Promise.resolve().then(ask)).rejects.toMatchObject({ code: "credentials-over-http" });
  });

  it("notifier-request.ts refuses as a delivery that failed", async () => {
    const slack = createSlackNotifier({ url: new URL(`${elsewhere}/secret`), clock });
    expect(await slack.notify(notice, undefined)).toMatchObject({
      delivered: false,
      why: expect.stringContaining("over plain HTTP to 192.0.2.1"),
    });
  });

  it("state-dynamodb.ts refuses, wherever the address is from", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", elsewhere);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "id");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
    const store = createDynamoStateStore({ table: "t", region: "us-east-1", environment: "e", attempts: 1 });
    await expect(store.read("lease")).rejects.toMatchObject({ code: "credentials-over-http" });
    await store.close();
    vi.unstubAllEnvs();
  });

  it("every file that sends a credential is among them", async () => {
    const sends =
      /\bauthorization:|-key":|google-auth-library|client-(?:dynamodb|eks|node|sts)"|signatureHeader\]|routing_key:|x-api-key/;
    // The body or headers are made here, and notifier-request.ts sends them.
    const through = ["notifier-pagerduty.ts", "notifier-webhook.ts"];
    // A registry gives its token to anybody who asks, and is asked by HTTPS everywhere but on this machine.
    const forAnybody = ["oci-registry.ts"];
    const tested = [...Object.keys(refusals), ...through, ...forAnybody];
    const missing: string[] = [];
    for (const name of await readdir(folder)) {
      const text = await readFile(join(folder, name), "utf8");
      if (sends.test(text) && !tested.includes(name)) missing.push(name);
      if (through.includes(name)) expect(text).toContain("postNotice(");
    }
    expect(missing).toEqual([]);
  });
});
