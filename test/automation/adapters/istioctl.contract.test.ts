import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClusterAccess } from "../../../automation/adapters/cluster-access.ts";
import { createIstioctl } from "../../../automation/adapters/istioctl.ts";

const access: ClusterAccess = {
  server: "https://cluster.example.com:6443",
  authority: "-----BEGIN CERTIFICATE-----",
  serverName: "kubernetes",
  token: "a-token-that-nobody-may-see",
  impersonate: "guard",
  proxy: "http://proxy.example.com:3128",
};

/** What it answers without a cluster: its version and its analyzers. */
const known = (own: string): string =>
  [
    'case "$*" in',
    `*remote=false*) echo '${own}'; exit 0;;`,
    "*list-analyzers) printf '* %s:\\n    what it does\\n' gateway.SecretAnalyzer injection.Analyzer k8sgateway.SelectorAnalyzer; exit 0;;",
    "esac",
  ].join("\n");

/** A program in istioctl's place: what it is given, how it is ended. What the real one prints is in istioctl.e2e.test.ts. */
describe("istioctl as it is run", () => {
  let folder: string;
  let forgotten: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "switchyard-istioctl-test-"));
    forgotten = 0;
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const connection = {
    description: "a cluster",
    access: async () => access,
    forget: () => {
      forgotten += 1;
    },
  };

  /** A shell script that tells a version, and does `body` when it is shown a cluster. */
  async function program(version: string, body = "echo '[]'", name = "istioctl"): Promise<string> {
    const path = join(folder, name);
    const own = JSON.stringify({ clientVersion: { version } });
    await writeFile(path, `#!/bin/sh\n${known(own)}\n${body}\n`);
    await chmod(path, 0o755);
    return path;
  }

  const open = (path: string, minor = "1.31", deadlineMs = 20_000) =>
    createIstioctl({ minor, path, env: {}, connection, deadlineMs });

  it("gets nothing of this process's environment, an empty home, and its own kubeconfig with one context", async () => {
    const out = join(folder, "out");
    await mkdir(out);
    const body = [
      `/usr/bin/env > ${out}/env`,
      `echo "$*" > ${out}/args`,
      `/bin/cat "$KUBECONFIG" > ${out}/kubeconfig`,
      `/bin/ls -l "$KUBECONFIG" > ${out}/mode`,
      `/bin/ls -A "$HOME" > ${out}/home`,
      "echo '[]'",
    ].join("\n");
    expect(await open(await program("1.31.1", body)).analyze("1-31-1")).toEqual([]);
    const read = (name: string) => readFile(join(out, name), "utf8");
    const names = (await read("env"))
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0]);
    // The shell adds some of its own.
    expect(names.filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name ?? "")).toSorted()).toEqual([
      "HOME",
      "KUBECONFIG",
    ]);
    expect((await read("args")).trim()).toBe(
      "analyze -A -o json --remote-contexts guard --analyzer injection.Analyzer --analyzer k8sgateway.SelectorAnalyzer --revision 1-31-1 --context guard",
    );
    expect(await read("home")).toBe("");
    expect(await read("mode")).toMatch(/^-rw-------/);
    expect(JSON.parse(await read("kubeconfig"))).toMatchObject({
      clusters: [
        {
          name: "guard",
          cluster: {
            server: access.server,
            "certificate-authority-data": Buffer.from(access.authority ?? "").toString("base64"),
            "tls-server-name": "kubernetes",
            "proxy-url": access.proxy,
          },
        },
      ],
      users: [{ name: "guard", user: { token: access.token, as: "guard" } }],
      contexts: [{ name: "guard", context: { cluster: "guard", user: "guard" } }],
      "current-context": "guard",
    });
  });

  it.each([
    ["1.29.7", "before 1.29.8"],
    ["1.30.4", "before 1.30.5"],
    ["1.31.0", "before 1.31.1"],
    ["1.31.1-rc.0", "before 1.31.1"],
    ["1.28.12", "no version before 1.29.8 is safe"],
    ["1.22.0", "no version before 1.29.8 is safe"],
  ])("is refused at %s", async (version, why) => {
    const minor = version.split(".").slice(0, 2).join(".");
    const istioctl = open(await program(version, `echo shown > ${folder}/shown`), minor);
    await expect(istioctl.analyze(undefined)).rejects.toMatchObject({
      code: "istioctl-unsafe",
      message: expect.stringContaining(why),
    });
    await expect(readFile(join(folder, "shown"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.each(["1.29.8", "1.29.20", "1.30.5", "1.31.1", "1.31.1-solo", "1.31.10", "1.32.0"])(
    "is used at %s",
    async (version) => {
      const minor = version.split(".").slice(0, 2).join(".");
      expect(await open(await program(version), minor).analyze(undefined)).toEqual([]);
    },
  );

  it("is looked at again when another file was put in its place", async () => {
    const path = await program("1.31.1");
    const istioctl = open(path);
    expect(await istioctl.analyze(undefined)).toEqual([]);
    await rm(path);
    await program("1.31.0");
    await expect(istioctl.analyze(undefined)).rejects.toMatchObject({ code: "istioctl-unsafe" });
  });

  it("is found by its minor before its name alone, and only with that minor", async () => {
    await program("1.31.1", undefined, "istioctl");
    await program("1.30.5", undefined, "istioctl-1.30");
    const env = { PATH: `relative:${folder}` };
    const find = (minor: string) => createIstioctl({ minor, env, connection }).binaryVersion();
    expect(await find("1.31")).toBe("1.31.1");
    expect(await find("1.30")).toBe("1.30.5");
    await expect(find("1.29")).rejects.toMatchObject({
      code: "istioctl-missing",
      message: expect.stringContaining("istioctl is 1.31.1"),
      next: [expect.stringContaining("istioctl-1.29")],
    });
    await expect(createIstioctl({ minor: "1.31", env: {}, connection }).binaryVersion()).rejects.toMatchObject({
      code: "istioctl-missing",
    });
    await expect(open(join(folder, "nothing")).binaryVersion()).rejects.toMatchObject({ code: "istioctl-missing" });
    await expect(open(folder).binaryVersion()).rejects.toMatchObject({ code: "istioctl-missing" });
  });

  it("is killed at its deadline, though it takes no notice of anything gentler", async () => {
    const begin = performance.now();
    const istioctl = open(
      await program("1.31.1", "trap '' TERM INT\necho waiting >&2\nwhile :; do :; done"),
      "1.31",
      500,
    );
    await expect(istioctl.proxyStatus()).rejects.toMatchObject({
      code: "istioctl-failed",
      message: expect.stringMatching(/no result within 0.5 s.*waiting/),
    });
    expect(performance.now() - begin).toBeLessThan(10_000);
  });

  it("is killed when it is told to stop, and when it prints without end", async () => {
    const reason = new Error("stopped by a test");
    const stop = new AbortController();
    const waiting = open(await program("1.31.1", "while :; do :; done")).analyze(undefined, stop.signal);
    setTimeout(() => stop.abort(reason), 200);
    await expect(waiting).rejects.toBe(reason);
    await expect(open(await program("1.31.1", "exec /usr/bin/yes")).analyze(undefined)).rejects.toMatchObject({
      code: "istioctl-failed",
      message: expect.stringContaining("64 MiB"),
    });
  });

  it("repeats no secret, and gets new credentials after they were refused", async () => {
    const istioctl = open(await program("1.31.1", `echo "Error: Unauthorized: ${access.token}" >&2\nexit 1`));
    await expect(istioctl.analyze(undefined)).rejects.toMatchObject({
      code: "istioctl-failed",
      message: expect.stringContaining("Unauthorized: [secret]"),
    });
    expect(forgotten).toBe(1);
  });

  it("is not taken at its word when it tells no version", async () => {
    const path = join(folder, "odd");
    await writeFile(path, "#!/bin/sh\necho hello\n");
    await chmod(path, 0o755);
    await expect(open(path).binaryVersion()).rejects.toMatchObject({ code: "istioctl-failed" });
  });
});
