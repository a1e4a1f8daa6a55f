import { describe, expect, onTestFinished, test } from "vitest";
import { createCloudWatch } from "../../../automation/adapters/cloudwatch.ts";
import { serveCloudWatch } from "../../support/cloudwatch-server.ts";

const from = Date.UTC(2026, 10, 24, 9);
const window = { fromMs: from, toMs: from + 300_000, stepMs: 60_000 };

async function given() {
  const server = await serveCloudWatch("eu-west-1");
  const cloudWatch = createCloudWatch({ region: "eu-west-1", namespace: "Istio", endpoint: server.url });
  onTestFinished(async () => {
    await cloudWatch.close();
    await server.close();
  });
  return { server, cloudWatch };
}

describe("CloudWatch", () => {
  test("a query of several lines names each; the last is the answer", async () => {
    const { server, cloudWatch } = await given();
    server.metrics.series.set("failed / all", new Map([["share", [[from, 0.5]]]]));
    const query = "failed = SELECT SUM(a) FROM b WHERE c = 'x'\nall = SELECT SUM(d) FROM b\nfailed / all";
    expect(await cloudWatch.metrics.query({ query, ...window })).toEqual([0.5, ...Array(4).fill(Number.NaN)]);
    expect(server.expressions).toEqual([
      { Id: "failed", Expression: "SELECT SUM(a) FROM b WHERE c = 'x'", ReturnData: false },
      { Id: "all", Expression: "SELECT SUM(d) FROM b", ReturnData: false },
      { Id: "line3", Expression: "failed / all", ReturnData: true },
    ]);
  });

  test("reads all pages of a series", async () => {
    const { server, cloudWatch } = await given();
    server.pageSize = 2;
    const points = [0, 1, 2, 3, 4].map((minute) => [from + minute * 60_000, minute] as const);
    server.metrics.series.set("x", new Map([["x", points]]));
    expect(await cloudWatch.metrics.query({ query: "x", ...window })).toEqual([0, 1, 2, 3, 4]);
  });

  test("credentials that are refused are an error of their own", async () => {
    const { server, cloudWatch } = await given();
    server.answerNext(403, JSON.stringify({ __type: "UnrecognizedClientException", message: "invalid token" }));
    await expect(cloudWatch.metrics.query({ query: "x", ...window })).rejects.toEqual(
      expect.objectContaining({ code: "credentials-missing" }),
    );
  });

  test("sends nothing signed over plain HTTP to another machine", async () => {
    const cloudWatch = createCloudWatch({ region: "eu-west-1", namespace: "Istio", endpoint: "http://10.0.0.1:1" });
    await expect(cloudWatch.metrics.names()).rejects.toEqual(
      expect.objectContaining({ code: "credentials-over-http" }),
    );
  });

  test("waits for its turn before each request, and says when it is over", async () => {
    const server = await serveCloudWatch("eu-west-1");
    const turns: string[] = [];
    const cloudWatch = createCloudWatch({
      region: "eu-west-1",
      namespace: "Istio",
      endpoint: server.url,
      turn: async () => {
        turns.push("taken");
        return () => turns.push("over");
      },
    });
    onTestFinished(async () => {
      await cloudWatch.close();
      await server.close();
    });
    server.metrics.names = ["a", "b"];
    expect(await cloudWatch.metrics.names()).toEqual(["a", "b"]);
    expect(turns).toEqual(["taken", "over", "taken", "over"]);
  });
});
