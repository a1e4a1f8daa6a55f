import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openKubeconfig } from "../../../automation/adapters/kubeconfig.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("a kubeconfig", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "switchyard-kubeconfig-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function write(user: object, cluster: object = {}): Promise<ReturnType<typeof openKubeconfig>> {
    const path = join(folder, "config");
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server: "https://cluster.example.com", ...cluster } }],
      users: [{ name: "u", user }],
      contexts: [
        { name: "one", context: { cluster: "c", user: "u" } },
        { name: "lost", context: { cluster: "nowhere", user: "u" } },
      ],
      "current-context": "lost",
    };
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    return openKubeconfig({ path, context: "one" });
  }

  it("gives a token, and what the server is known by", async () => {
    const connection = await write(
      { token: "the-token", as: "guard" },
      {
        "certificate-authority-data": base64("PEM"),
        "tls-server-name": "kubernetes",
        "proxy-url": "http://proxy:3128",
      },
    );
    expect(await connection.access()).toEqual({
      server: "https://cluster.example.com",
      authority: "PEM",
      serverName: "kubernetes",
      proxy: "http://proxy:3128",
      token: "the-token",
      impersonate: "guard",
    });
  });

  it("gives a client's certificate, and files beside it", async () => {
    await writeFile(join(folder, "ca.crt"), "AUTHORITY");
    const user = { "client-certificate-data": base64("CERTIFICATE"), "client-key-data": base64("KEY") };
    const connection = await write(user, { "certificate-authority": "ca.crt" });
    expect(await connection.access()).toEqual({
      server: "https://cluster.example.com",
      authority: "AUTHORITY",
      certificate: { certificate: "CERTIFICATE", key: "KEY" },
    });
  });

  it("asks a plug-in for a token, and again when it is told to forget it", async () => {
    const plugin = join(folder, "plugin");
    const credential = { apiVersion: "client.authentication.k8s.io/v1", kind: "ExecCredential" };
    const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
    const status = JSON.stringify({ ...credential, status: { token: "from-plugin-N", expirationTimestamp } });
    await writeFile(
      plugin,
      `#!/bin/sh\necho x >> ${folder}/count\nN=$(/usr/bin/wc -l < ${folder}/count)\necho '${status}' | /bin/sed "s/-N/-$(echo $N)/"\n`,
    );
    await chmod(plugin, 0o755);
    const connection = await write({ exec: { apiVersion: credential.apiVersion, command: plugin, args: [] } });
    expect(await connection.access()).toMatchObject({ token: "from-plugin-1" });
    expect(await connection.access()).toMatchObject({ token: "from-plugin-1" });
    connection.forget();
    expect(await connection.access()).toMatchObject({ token: "from-plugin-2" });
  });

  it("says why a plug-in gives none", async () => {
    const plugin = join(folder, "plugin");
    await writeFile(plugin, "#!/bin/sh\necho 'session has expired, log in' >&2\nexit 1\n");
    await chmod(plugin, 0o755);
    const connection = await write({
      exec: { apiVersion: "client.authentication.k8s.io/v1", command: plugin, args: [] },
    });
    await expect(connection.access()).rejects.toMatchObject({
      code: "cluster-refused",
      message: expect.stringContaining("session has expired, log in"),
      next: [expect.stringContaining("kubectl --kubeconfig")],
    });
  });

  it("does not wait for a plug-in that its caller will not wait for", async () => {
    const plugin = join(folder, "plugin");
    await writeFile(plugin, `#!/bin/sh\nwhile [ -e ${folder}/config ]; do sleep 0.1; done\n`);
    await chmod(plugin, 0o755);
    const connection = await write({
      exec: { apiVersion: "client.authentication.k8s.io/v1", command: plugin, args: [] },
    });
    const reason = new Error("stopped by a test");
    await expect(connection.access(AbortSignal.any([AbortSignal.timeout(300)]))).rejects.toMatchObject({
      name: "TimeoutError",
    });
    await expect(connection.access(AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it("is refused where it has no such context, cluster or file", async () => {
    await write({ token: "t" });
    const path = join(folder, "config");
    const refused = (context: string, message: string) =>
      expect(openKubeconfig({ path, context }).access()).rejects.toMatchObject({
        code: "cluster-refused",
        message: expect.stringContaining(message),
      });
    await refused("two", "it has no such context, only one, lost");
    await refused("lost", "names a cluster that is not there");
    await rm(path);
    await refused("one", "could not be read (ENOENT)");
    await writeFile(path, "token: secret-of-the-file\n  - broken: [");
    const error: unknown = await openKubeconfig({ path, context: "one" })
      .access()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "cluster-refused" });
    expect(String(error)).not.toContain("secret-of-the-file");
  });

  it("gives no credentials to a server that cannot be trusted with them", async () => {
    await expect(
      (await write({ token: "t" }, { server: "http://cluster.example.com" })).access(),
    ).rejects.toMatchObject({
      code: "credentials-over-http",
    });
    const unverified = { "insecure-skip-tls-verify": true };
    await expect((await write({ token: "t" }, unverified)).access()).rejects.toMatchObject({
      code: "cluster-refused",
      message: expect.stringContaining("insecure-skip-tls-verify"),
    });
    const local = { ...unverified, server: "https://127.0.0.1:6443" };
    expect(await (await write({ token: "t" }, local)).access()).toMatchObject({ token: "t", unverified: true });
  });
});
