import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClusters } from "../../../automation/adapters/clusters.ts";
import type { ClusterAddress } from "../../../automation/ports/clusters.ts";
import { type AwsServers, serveAws } from "../../support/aws-servers.ts";

const minute = 60_000;
const roleArn = "arn:aws:iam::123456789012:role/guard";
const address: ClusterAddress = {
  clusterId: "prod-eu-1",
  region: "eu-west-1",
  awsRoleArn: roleArn,
  eksCluster: "prod-eu-1",
};

describe("a cluster of EKS", () => {
  let now: number;
  let turns: number;
  let slept: number[];
  let aws: AwsServers;
  beforeEach(async () => {
    now = Date.parse("2026-12-01T10:00:00Z");
    turns = 0;
    slept = [];
    aws = await serveAws(() => now, address.eksCluster, address.region);
    aws.roles.add(roleArn);
  });
  afterEach(() => aws.close());

  const clock = {
    wall: () => now,
    sleep: async (ms: number) => {
      slept.push(ms);
      now += ms;
    },
  };
  const turn = async () => {
    turns += 1;
  };
  const open = (env: Readonly<Record<string, string>> = aws.env) => createClusters({ env, clock, istioctl: {}, turn });
  const count = (operation: string) => aws.calls.filter((one) => one === operation).length;

  it("is entered by a role and a token that its API takes", async () => {
    const api = open().kubernetes(address);
    expect(await api.version()).toBe("1.33");
    expect(aws.calls).toEqual(["AssumeRole", "DescribeCluster"]);
    expect(turns).toBe(2);
    expect(api.description).toContain("EKS cluster prod-eu-1 in eu-west-1");
  });

  it("stays entered over a soak of two hours, though sessions last one and tokens a quarter of it", async () => {
    const api = open().kubernetes(address);
    for (let at = 0; at <= 130; at += 1) {
      expect(await api.version(), `minute ${at}`).toBe("1.33");
      now += minute;
    }
    // No answer was a refusal: everything was renewed before it ended.
    expect(aws.answers).toHaveLength(131);
    expect(new Set(aws.answers)).toEqual(new Set([200]));
    expect(count("AssumeRole")).toBe(3);
    expect(count("DescribeCluster")).toBe(3);
  });

  it("makes one session for calls that begin at once", async () => {
    const api = open().kubernetes(address);
    await Promise.all(Array.from({ length: 10 }, () => api.version()));
    expect(aws.calls).toEqual(["AssumeRole", "DescribeCluster"]);
  });

  it("is entered anew when its session was ended early", async () => {
    const clusters = open();
    const api = clusters.kubernetes(address);
    await api.version();
    aws.revoke();
    expect(await api.version()).toBe("1.33");
    expect(aws.answers).toEqual([200, 401, 200]);
    aws.revoke();
    expect(await clusters.eks(address)).toMatchObject({ status: "ACTIVE" });
  });

  it("tells what EKS says of it, over all pages, and asks for an update that has ended no second time", async () => {
    const day = 24 * 60 * minute;
    const upgradedAt = now - 3 * day;
    aws.updates.push(
      { id: "u1", type: "VersionUpdate", status: "Successful", createdAt: now - 200 * day },
      { id: "u2", type: "VersionUpdate", status: "Successful", createdAt: upgradedAt },
      { id: "u3", type: "VersionUpdate", status: "Failed", createdAt: now - day },
      { id: "u4", type: "LoggingUpdate", status: "Successful", createdAt: now - day / 2 },
      { id: "u5", type: "AddonUpdate", status: "InProgress", createdAt: now },
    );
    aws.insights.push({ name: "Deprecated APIs", status: "ERROR" }, { name: "Kubelet skew", status: "PASSING" });
    const clusters = open();
    const facts = await clusters.eks(address);
    expect(facts).toEqual({
      status: "ACTIVE",
      kubernetes: "1.33",
      updateInProgress: true,
      insights: [
        { name: "Deprecated APIs", status: "ERROR" },
        { name: "Kubelet skew", status: "PASSING" },
      ],
      upgradedAt,
    });
    expect(turns).toBe(aws.calls.length);
    const [, , , , running] = aws.updates;
    if (running !== undefined) running.status = "Successful";
    const before = count("DescribeUpdate");
    expect(await clusters.eks(address)).toMatchObject({ updateInProgress: false });
    expect(count("DescribeUpdate")).toBe(before + 1);
    aws.status = "UPDATING";
    expect(await clusters.eks(address)).toMatchObject({ status: "UPDATING", updateInProgress: true });
  });

  it("is asked with this machine's own credentials where there is no role", async () => {
    expect(await open().eks({ ...address, awsRoleArn: undefined })).toMatchObject({ status: "ACTIVE" });
    expect(count("AssumeRole")).toBe(0);
  });

  it("repeats no credentials that AWS repeats", async () => {
    aws.failNext("DescribeCluster", 403, "AccessDeniedException", "session-token-1/+= and secret-1 may not");
    const error: unknown = await open()
      .eks(address)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "cluster-refused", message: expect.stringContaining("[secret] may not") });
    expect(JSON.stringify(error) + String(error)).not.toMatch(/session-token-1|secret-1/);
  });

  it("is waited for no longer than its caller likes", async () => {
    const reason = new Error("stopped by a test");
    await expect(open().kubernetes(address).version(AbortSignal.abort(reason))).rejects.toBe(reason);
    await expect(open().eks(address, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it("says which role was refused", async () => {
    const wrong = { ...address, awsRoleArn: "arn:aws:iam::123456789012:role/other" };
    await expect(open().kubernetes(wrong).version()).rejects.toMatchObject({
      code: "cluster-refused",
      message: expect.stringContaining("AssumeRole arn:aws:iam::123456789012:role/other: AccessDenied"),
      next: [expect.stringContaining("GuardRole")],
    });
    expect(count("AssumeRole")).toBe(1);
  });

  it("says that this machine's credentials have ended", async () => {
    aws.failNext("AssumeRole", 403, "ExpiredToken", "The security token included in the request is expired");
    await expect(open().eks(address)).rejects.toMatchObject({
      code: "cluster-refused",
      next: [expect.stringContaining("aws sso login")],
    });
  });

  it("says that this machine's clock is wrong where that is why", async () => {
    aws.skewMs = 15 * minute;
    await expect(open().kubernetes(address).version()).rejects.toMatchObject({
      code: "cluster-refused",
      message: expect.stringContaining("clock is 15 minutes behind the server's"),
      next: [expect.stringContaining("clock")],
    });
    aws.skewMs = -15 * minute;
    await expect(open().eks(address)).rejects.toMatchObject({
      message: expect.stringContaining("15 minutes ahead of"),
    });
  });

  it("knows a request that is too old for a wrong clock, also where the server does not tell the time", async () => {
    aws.failNext("DescribeCluster", 400, "RequestExpired", "Request has expired.");
    await expect(open().eks(address)).rejects.toMatchObject({
      code: "cluster-refused",
      message: expect.stringContaining("clock is likely wrong"),
    });
  });

  it("asks again where AWS is busy or failing, each time in its turn, and not for ever", async () => {
    aws.failNext("DescribeCluster", 429, "ThrottlingException", "Rate exceeded");
    aws.failNext("DescribeCluster", 503, "ServiceUnavailableException", "later");
    expect(await open().kubernetes(address).version()).toBe("1.33");
    expect(slept).toEqual([500, 1_000]);
    expect(turns).toBe(4);
    for (let at = 0; at < 4; at += 1) aws.failNext("AssumeRole", 500, "InternalFailure", "oh");
    await expect(open().eks(address)).rejects.toMatchObject({ code: "cluster-unreachable" });
  });

  it("says that there is no such cluster", async () => {
    await expect(open().eks({ ...address, eksCluster: "other" })).rejects.toMatchObject({
      code: "cluster-unreachable",
      message: expect.stringContaining("No cluster found for name: other"),
    });
  });

  it("signs nothing for a server that would be reached over plain HTTP", async () => {
    const env = { ...aws.env, AWS_ENDPOINT_URL_STS: "http://sts.example.com" };
    await expect(open(env).eks(address)).rejects.toMatchObject({ code: "credentials-over-http" });
    const other = { ...aws.env, AWS_ENDPOINT_URL_EKS: "http://eks.example.com" };
    await expect(open(other).eks(address)).rejects.toMatchObject({ code: "credentials-over-http" });
  });

  it("says in one line of each connection whether it works", async () => {
    const probes = await open().probe(address, "1.31");
    expect(probes).toMatchObject([
      { connection: "kubernetes", works: false },
      { connection: "eks", works: true, line: "EKS 1.33, ACTIVE, 0 of 0 insights are errors" },
      { connection: "istioctl", works: false, line: expect.stringContaining("There is no istioctl 1.31") },
    ]);
    for (const { line } of probes) expect(line).not.toContain("\n");
  });
});
