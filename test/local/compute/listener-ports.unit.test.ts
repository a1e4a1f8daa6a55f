import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ListenerPorts, openListenerPorts, PortInUseError } from "../../../local/compute/listener-ports.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ports-"));
});
afterEach(() => rm(folder, { recursive: true }));

function open(random: () => number, fixed: Record<string, number> = {}): Promise<ListenerPorts> {
  return openListenerPorts({ path: join(folder, "listeners.json"), fixed, random });
}

function listenerOf(taken: readonly number[]): (port: number) => Promise<number> {
  return async (port) => {
    if (taken.includes(port)) throw Object.assign(new Error("listen EADDRINUSE"), { code: "EADDRINUSE" });
    return port;
  };
}

describe("listener ports", () => {
  it("stay the same over restarts", async () => {
    const first = await (await open(() => 0.5)).assign("traffic-https", listenerOf([]));
    expect(first).toBe(25_000);
    expect(await (await open(() => 0.1)).assign("traffic-https", listenerOf([]))).toBe(first);
  });

  it("skip ports that are taken when the first one is chosen", async () => {
    const draws = [0, 0, 0.1];
    const ports = await open(() => draws.shift() ?? 0.2);
    expect(await ports.assign("a", listenerOf([20_000]))).toBe(21_000);
  });

  it("name the listener and the port when the remembered one is taken", async () => {
    await (await open(() => 0.5)).assign("traffic-https", listenerOf([]));
    const again = (await open(() => 0.1)).assign("traffic-https", listenerOf([25_000]));
    await expect(again).rejects.toThrow(PortInUseError);
    await expect(again).rejects.toThrow("port in use: 25000");
    await expect(again).rejects.toThrow("traffic-https");
  });

  it("may be fixed", async () => {
    const ports = await open(() => 0.5, { a: 8443 });
    expect(await ports.assign("a", listenerOf([]))).toBe(8443);
  });
});
