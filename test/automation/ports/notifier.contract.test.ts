import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { createPagerDutyNotifier } from "../../../automation/adapters/notifier-pagerduty.ts";
import { createSlackNotifier } from "../../../automation/adapters/notifier-slack.ts";
import { createWebhookNotifier } from "../../../automation/adapters/notifier-webhook.ts";
import { createNotifiers, type NotifierConfig } from "../../../automation/adapters/notifiers.ts";
import type { Notifier } from "../../../automation/ports/notifier.ts";
import { createFakeNotifier } from "../../support/fake-notifier.ts";
import {
  type NotifierServer,
  type Received,
  servePagerDuty,
  serveSlack,
  serveWebhook,
} from "../../support/notifier-servers.ts";
import { removeFolder } from "../../support/remove-folder.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";
import { busySeconds, type Heard, type NotifierHarness, notice, notifierContract } from "./notifier.contract.ts";

const clock = createVirtualClock();

function over(server: NotifierServer, notifier: Notifier, read: (received: Received) => Heard): NotifierHarness {
  const answers = {
    busy: () => server.answerNext(429, "rate_limited", { "retry-after": String(busySeconds) }),
    broken: () => server.answerNext(503, "out of order: s3cret"),
    refusal: () => server.answerNext(400, "invalid"),
  };
  return {
    notifier,
    heard: () => server.received.map(read),
    answerNext: (kind) => answers[kind](),
    hang: () => server.hang(),
    breakDown: () => server.close(),
    close: () => server.close(),
  };
}

notifierContract("fake", async () => {
  const fake = createFakeNotifier();
  let failing = false;
  const notifier: Notifier = {
    description: fake.description,
    async notify(one, signal) {
      const delivery = await fake.notify(one, signal);
      if (failing) fake.fail(undefined);
      return delivery;
    },
  };
  return {
    notifier,
    heard: () =>
      fake.taken.map(({ alert, kind, momentary }) => ({
        key: alert.dedupKey,
        open: kind !== "resolve" && !momentary,
        severity: alert.severity,
        text: alert.title,
      })),
    answerNext(kind) {
      failing = true;
      fake.fail(kind, {
        refused: kind === "refusal",
        retryAfterMs: kind === "busy" ? busySeconds * 1_000 : undefined,
      });
    },
    hang: () => fake.hang(),
    breakDown: async () => fake.fail("nobody is there"),
    close: async () => {},
  };
});

const webhookBody = z.object({
  dedup_key: z.string(),
  status: z.enum(["open", "resolved"]),
  severity: z.string(),
  title: z.string(),
});

notifierContract("webhook", async () => {
  const server = await serveWebhook("s3cret");
  const url = new URL(`${server.url}/hooks/s3cret`);
  return over(server, createWebhookNotifier({ url, secret: "s3cret", clock }), ({ body }) => {
    const { dedup_key: key, status, severity, title } = webhookBody.parse(body);
    return { key, open: status === "open", severity, text: title };
  });
});

notifierContract("Slack", async () => {
  const server = await serveSlack("/services/T/B/s3cret");
  const notifier = createSlackNotifier({ url: new URL(`${server.url}/services/T/B/s3cret`), clock });
  return over(server, notifier, ({ body }) => {
    const text = JSON.stringify(body);
    return {
      key: /prod\/swap\/\d+\/[a-z-]+\/\d+/.exec(text)?.[0] ?? "",
      open: !text.includes(":white_check_mark:") && !text.includes("nothing stays open"),
      severity: /\*(info|warning|critical)\*/.exec(text)?.[1],
      text: z.object({ text: z.string() }).parse(body).text,
    };
  });
});

notifierContract("PagerDuty", async () => {
  const server = await servePagerDuty("s3cret");
  const endpoint = `${server.url}/v2/enqueue`;
  const notifier = createPagerDutyNotifier({ routingKey: "s3cret", region: "us", endpoint, clock });
  const payload = z.object({ payload: z.object({ severity: z.string(), summary: z.string() }) });
  return over(server, notifier, ({ body }) => {
    const { dedup_key: key, event_action: action } = z
      .object({ dedup_key: z.string(), event_action: z.string() })
      .parse(body);
    const facts = payload.safeParse(body).data?.payload;
    return { key, open: action === "trigger", severity: facts?.severity, text: facts?.summary ?? "" };
  });
});

describe("what is said of a target", () => {
  test("never holds its secret, though the server repeats it", async () => {
    const server = await servePagerDuty("another");
    onTestFinished(() => server.close());
    server.answerNext(403, "the key s3cret is not known");
    const endpoint = `${server.url}/v2/enqueue`;
    const notifier = createPagerDutyNotifier({ routingKey: "s3cret", region: "eu", endpoint, clock });
    expect(await notifier.notify(notice())).toEqual({
      delivered: false,
      why: "it answered 403: the key [secret] is not known",
      refused: false,
      retryAfterMs: undefined,
    });
    expect(notifier.description).not.toContain("s3cret");
  });

  test("a target that does not answer in time", async () => {
    const server = await serveWebhook();
    onTestFinished(() => server.close());
    void server.hang();
    const notifier = createWebhookNotifier({ url: new URL(server.url), clock, timeoutMs: 50 });
    expect(await notifier.notify(notice())).toMatchObject({ delivered: false, why: "no answer within 50 ms" });
  });

  test("a redirect is not followed: the address is a secret of one server", async () => {
    const server = createServer((_, response) => response.writeHead(302, { location: "https://example.com" }).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      server.close();
    });
    const { port } = z.object({ port: z.number() }).parse(server.address());
    const notifier = createWebhookNotifier({ url: new URL(`http://127.0.0.1:${port}/`), clock });
    expect(await notifier.notify(notice())).toMatchObject({ delivered: false, refused: false });
  });
});

describe("targets of a configuration", () => {
  const one = async (target: NotifierConfig, env: Readonly<Record<string, string>> = {}, root = "/nowhere") => {
    const notifier = createNotifiers({ targets: [target], env, root, clock })[target.name];
    return notifier?.notify(notice());
  };
  const webhook = (from: string): NotifierConfig => ({ kind: "webhook", name: "log", url_from: from });

  test("take their secrets from the environment, a private file and Secret Manager", async () => {
    const server = await serveWebhook("k3y");
    onTestFinished(() => server.close());
    const root = await mkdtemp(join(tmpdir(), "switchyard-alerts-"));
    onTestFinished(() => removeFolder(root));
    await writeFile(join(root, "url"), `${server.url}/from-file\n`, { mode: 0o600 });
    const manager = createServer((request, response) => {
      const authorised = request.headers.authorization === "Bearer token";
      const found = request.url === "/v1/projects/p/secrets/hook/versions/latest:access";
      const body = { payload: { data: Buffer.from("k3y").toString("base64") } };
      response
        .writeHead(authorised && found ? 200 : 403, { "content-type": "application/json" })
        .end(JSON.stringify(authorised && found ? body : { error: { message: "denied" } }));
    });
    await new Promise<void>((resolve) => manager.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => {
      manager.closeAllConnections();
      manager.close();
    });
    const { port } = z.object({ port: z.number() }).parse(manager.address());
    const env = {
      HOOK_KEY: "k3y",
      HOOK_URL: server.url,
      GOOGLE_OAUTH_ACCESS_TOKEN: "token",
      CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER: `http://127.0.0.1:${port}/v1/`,
    };
    const signed = { ...webhook("file:url"), secret_from: "HOOK_KEY" };
    expect(await one(signed, env, root)).toEqual({ delivered: true });
    const managed = { ...webhook("HOOK_URL"), secret_from: "secret-manager:projects/p/secrets/hook" };
    expect(await one(managed, env, root)).toEqual({ delivered: true });
    expect(server.received.map(({ path }) => path)).toEqual(["/from-file", "/"]);
    const denied = { ...webhook("HOOK_URL"), secret_from: "secret-manager:projects/p/secrets/other" };
    expect(await one(denied, env, root)).toMatchObject({ delivered: false, why: expect.stringContaining("denied") });
  });

  test("a secret that is missing, open to others or no address is said without it", async () => {
    const root = await mkdtemp(join(tmpdir(), "switchyard-alerts-"));
    onTestFinished(() => removeFolder(root));
    expect(await one(webhook("HOOK_URL"))).toMatchObject({
      why: "the environment variable HOOK_URL is not set",
      delivered: false,
    });
    expect(await one(webhook("file:url"), {}, root)).toMatchObject({ why: expect.stringContaining("cannot be read") });
    await writeFile(join(root, "url"), "http://127.0.0.1:1/s3cret");
    await chmod(join(root, "url"), 0o644);
    expect(await one(webhook("file:url"), {}, root)).toMatchObject({ why: expect.stringContaining("others may read") });
    const odd = await one(webhook("HOOK_URL"), { HOOK_URL: "s3cret" });
    expect(odd).toMatchObject({ delivered: false, why: "HOOK_URL holds no http or https URL" });
  });

  test("nothing goes over plain HTTP to another machine", async () => {
    const delivery = await one(webhook("HOOK_URL"), { HOOK_URL: "http://hooks.example.com/s3cret" });
    expect(delivery).toMatchObject({ delivered: false, why: expect.stringContaining("plain HTTP") });
    expect(JSON.stringify(delivery)).not.toContain("s3cret");
  });
});
