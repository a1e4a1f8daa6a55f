import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { gcpSettings, kubernetesSettings, namesAnotherCluster } from "../../../local/provider/configuration.ts";
import { Connections } from "../../../local/provider/connections.ts";
import { contains, formatAddress, overlap, parseIpRange } from "../../../local/provider/gcp/ip-range.ts";
import { findByImportId } from "../../../local/provider/import-id.ts";
import { readKubeconfig } from "../../../local/provider/kubeconfig.ts";

const defaults = { project: "p", region: "r", zone: "r-a" };

const kubeconfig = (server: string): string => `
apiVersion: v1
current-context: two
contexts:
  - { name: one, context: { cluster: first, user: u } }
  - { name: two, context: { cluster: second, user: u, namespace: agents } }
clusters:
  - { name: first, cluster: { server: "https://first" } }
  - { name: second, cluster: { server: "${server}" } }
`;

describe("gcp settings", () => {
  test("what is not configured comes from the local cloud", () => {
    const settings = gcpSettings({ project: "mine" }, defaults);
    expect(settings).toMatchObject({ project: "mine", region: "r", zone: "r-a" });
    expect(settings.labels).toEqual({ "goog-pulumi-provisioned": "true" });
  });

  test("settings that are no strings arrive as JSON", () => {
    const args = { addPulumiAttributionLabel: "false", defaultLabels: '{"team":"a"}' };
    expect(gcpSettings(args, defaults).labels).toEqual({ team: "a" });
  });
});

describe("kubernetes settings", () => {
  test("name the cluster of the current context, or of the one asked for", () => {
    expect(readKubeconfig(kubeconfig("https://second/"))).toEqual({ endpoint: "second", namespace: "agents" });
    expect(readKubeconfig(kubeconfig("https://second"), "one")).toEqual({ endpoint: "first", namespace: undefined });
  });

  test.each([
    ["{}", "has no context at all"],
    ["a: b: c\n", "neither YAML nor JSON"],
    ["contexts: 3\n", "contexts:"],
    ["current-context: x\ncontexts: [{name: x, context: {cluster: y}}]\n", "has no cluster y, which context x names"],
  ])("%j is refused", (text, message) => {
    expect(() => readKubeconfig(text)).toThrow(message);
  });

  test("take contents, an object or a file", async () => {
    const text = kubeconfig("https://second");
    const folder = await mkdtemp(join(tmpdir(), "switchyard-kubeconfig-"));
    try {
      const file = join(folder, "config");
      await writeFile(file, text);
      expect((await kubernetesSettings({ kubeconfig: file }, defaults)).cluster).toBe("second");
    } finally {
      await rm(folder, { recursive: true });
    }
    expect(await kubernetesSettings({ kubeconfig: text }, defaults)).toMatchObject({
      cluster: "second",
      namespace: "agents",
    });
    const parsed = {
      contexts: [{ name: "c", context: { cluster: "c" } }],
      clusters: [{ name: "c", cluster: { server: "https://c" } }],
    };
    expect(await kubernetesSettings({ kubeconfig: parsed, namespace: "own" }, defaults)).toMatchObject({
      cluster: "c",
      namespace: "own",
    });
    expect((await kubernetesSettings({}, defaults)).cluster).toBeUndefined();
    await expect(kubernetesSettings({ kubeconfig: "/nowhere/config" }, defaults)).rejects.toThrow("/nowhere/config");
  });

  test("another server is another cluster, another user is not", async () => {
    const olds = { kubeconfig: kubeconfig("https://second") };
    expect(await namesAnotherCluster(olds, { kubeconfig: kubeconfig("https://third") }, defaults)).toBe(true);
    expect(
      await namesAnotherCluster(olds, { kubeconfig: `${kubeconfig("https://second")}users: []\n` }, defaults),
    ).toBe(false);
  });
});

describe("connections", () => {
  const settings = { ...defaults, cluster: undefined };

  test("have settings of their own, and none from an earlier one on the same port", () => {
    const connections = new Connections();
    connections.configure("a", settings);
    expect(connections.settings("a")).toBe(settings);
    expect(() => connections.settings("b")).toThrow("was not configured");
    connections.open("a");
    expect(() => connections.settings("a")).toThrow("was not configured");
  });

  test("a cancel aborts what runs and what comes, on that connection only", async () => {
    const connections = new Connections();
    const [running, other, late] = [new AbortController(), new AbortController(), new AbortController()];
    let finish: (() => void) | undefined;
    const done = connections.run("a", running, () => new Promise<void>((resolve) => (finish = resolve)));
    const untouched = connections.run("b", other, async () => undefined);
    connections.cancel("a");
    expect(running.signal.aborted).toBe(true);
    await connections.run("a", late, async () => undefined);
    expect(late.signal.aborted).toBe(true);
    expect(other.signal.aborted).toBe(false);
    finish?.();
    await Promise.all([done, untouched]);
  });
});

describe("import ids", () => {
  const services = [{ id: "projects/p/locations/l/services/s" }, { id: "projects/p/locations/m/services/s" }];
  test("may leave out leading parts as long as one resource fits", () => {
    expect(findByImportId("projects/p/locations/l/services/s", services)).toBe(services[0]);
    expect(findByImportId("p/m/s", services)).toBe(services[1]);
    expect(findByImportId("l/s", services)).toBe(services[0]);
    expect(findByImportId("s", services)).toBeUndefined();
    expect(findByImportId("p/n", [{ id: "projects/p/global/networks/n" }])).toBeDefined();
  });
});

describe("address ranges", () => {
  const range = (text: string) => {
    const parsed = parseIpRange(text);
    if (parsed === undefined) throw new Error(text);
    return parsed;
  };
  test("are read, compared and printed", () => {
    expect(formatAddress(range("10.0.16.0/20").first + 1)).toBe("10.0.16.1");
    expect(contains(range("10.0.0.0/16"), range("10.0.16.0/20"))).toBe(true);
    expect(contains(range("10.0.0.0/20"), range("10.0.0.0/16"))).toBe(false);
    expect(overlap(range("10.0.0.0/20"), range("10.0.8.0/24"))).toBe(true);
    expect(overlap(range("10.0.0.0/20"), range("10.0.16.0/20"))).toBe(false);
    expect(range("0.0.0.0/0").last).toBe(2 ** 32 - 1);
  });
  test.each(["10.0.0.0", "10.0.0.0/33", "256.0.0.0/8", "10.0.0/8", ""])("%j is none", (text) => {
    expect(parseIpRange(text)).toBeUndefined();
  });
});
