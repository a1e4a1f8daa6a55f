import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { PortInUseError } from "../../../local/compute/listener-ports.ts";
import { type LocalFlags, startLocalFlags } from "../../support/local-flags.ts";

const started: LocalFlags[] = [];
const start = async (folder?: string): Promise<LocalFlags> => {
  const local = await startLocalFlags(folder);
  started.push(local);
  return local;
};
afterEach(async () => {
  for (const local of started.splice(0).reverse()) await local.close();
});

describe("the fail-back flags", () => {
  test("instances read their flag without a token, and again with its ETag for next to nothing", async () => {
    const local = await start();
    const failBack = local.failBack("kiro");
    const url = await failBack.flagUrl("gke");
    const none = await fetch(url);
    expect([none.status, await none.json()]).toEqual([200, {}]);

    await failBack.set("gke", "cloud-run");
    const set = await fetch(url, { headers: { "if-none-match": none.headers.get("etag") ?? "" } });
    expect([set.status, await set.json()]).toEqual([200, { target: "cloud-run" }]);
    const again = await fetch(url, { headers: { "if-none-match": set.headers.get("etag") ?? "" } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  test("the environments of one machine have flags of their own", async () => {
    const local = await start();
    await local.failBack("blue").set("gke", "cloud-run");
    expect(await local.failBack("blue").read("gke")).toBe("cloud-run");
    expect(await local.failBack("green").read("gke")).toBeUndefined();
    const { status } = await fetch(await local.failBack("green").flagUrl("gke"));
    expect(status).toBe(200);
  });

  test("address and flags are the same after a restart", async () => {
    const first = await start();
    const url = await first.failBack("kiro").flagUrl("gke");
    await first.failBack("kiro").set("gke", "cloud-run");
    await first.stop();
    await expect(fetch(url)).rejects.toThrow();
    await start(first.folder);
    // Nobody has asked the second one for its address: instances that come back know it.
    expect(await (await fetch(url)).json()).toEqual({ target: "cloud-run" });
  });

  test("where nobody asked for the address there is no listener, and a flag survives all the same", async () => {
    const local = await start();
    await local.failBack("kiro").set("gke", "cloud-run");
    expect(await local.failBack("kiro").read("gke")).toBe("cloud-run");
    await local.stop();
    expect(await readdir(local.folder)).toEqual(["fail-back.json"]);
    const again = await start(local.folder);
    expect(again.flags.list()).toEqual({ "kiro/gke": "cloud-run" });
    expect(await readdir(local.folder)).toEqual(["fail-back.json"]);
  });

  test("a port that another process took meanwhile is said, not changed", async () => {
    const first = await start();
    const { port } = new URL(await first.flags.url());
    await first.stop();
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(Number(port), "127.0.0.1", resolve));
    await expect(startLocalFlags(first.folder)).rejects.toThrow(PortInUseError);
    await new Promise((resolve) => other.close(resolve));
  });

  test("only reads, of names only, from this machine only", async () => {
    const local = await start();
    const url = await local.failBack("kiro").flagUrl("gke");
    expect((await fetch(url, { method: "PUT", body: '{"target":"cloud-run"}' })).status).toBe(404);
    expect((await fetch(`${url}/..%2F..%2Ftoken`)).status).toBe(404);
    expect((await fetch(new URL("/fail-back/__proto__/constructor", url))).status).toBe(404);
    const rebound = await new Promise<number | undefined>((resolve, reject) => {
      request(url, { headers: { host: "rebound.example" } }, (reply) => {
        reply.resume();
        resolve(reply.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(rebound).toBe(400);
    expect(local.flags.list()).toEqual({});
  });

  test.each([
    { scope: "kiro", platform: "gke" },
    { scope: "kiro", platform: "GKE", target: null },
    { scope: "kiro/x", platform: "gke", target: "cloud-run" },
    { scope: "kiro", platform: "gke", target: "" },
    { scope: "kiro", platform: "gke", target: "cloud-run", more: 1 },
  ])("the control API refuses %j and changes nothing", async (body) => {
    const local = await start();
    const reply = await fetch(`${local.controlUrl}/fail-back`, {
      method: "PUT",
      headers: { authorization: "Bearer token-of-a-test" },
      body: JSON.stringify(body),
    });
    expect(reply.status).toBe(400);
    expect(local.flags.list()).toEqual({});
  });
});
