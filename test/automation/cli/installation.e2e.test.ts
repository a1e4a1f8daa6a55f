import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configTemplate } from "../../../automation/cli/config-template.ts";
import { catalogue } from "../../../automation/errors.ts";
import { type CliCheckout, checkout, openCliCheckout, parseEnvelope, describe as told } from "../../support/cli.ts";

const opened: CliCheckout[] = [];
async function open(without: readonly string[] = []): Promise<CliCheckout> {
  const cli = await openCliCheckout(without);
  opened.push(cli);
  return cli;
}
let cli: CliCheckout;
beforeAll(async () => {
  cli = await open();
});
afterAll(() => Promise.all(opened.map((one) => one.close())));

describe("help", () => {
  test.concurrent.each([
    [["--help"], ["TOPICS", "swap", "COMMANDS", "demo"]],
    [
      ["swap", "--help"],
      ["swap start", "swap why", "swap rollback"],
    ],
    [["swap"], ["swap start"]],
    [
      ["swap", "start", "--help"],
      ["EXAMPLES\n  $ switchyard swap start --to gke", "--ramp", "--json"],
    ],
    [["help", "local", "env"], ['eval "$(switchyard local env)"']],
  ])("%j names what there is, on stdout", async (args, texts) => {
    const help = await cli.run(args);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const text of texts) expect(help.stdout).toContain(text);
  });
});

describe("init", () => {
  test("writes the commented example once, and says how to undo it", async () => {
    const path = join(cli.root, "switchyard.yaml");
    expect(await cli.run(["init", "--print"])).toMatchObject({ code: 0, stdout: configTemplate });
    expect(await cli.run(["init"])).toMatchObject({
      code: 0,
      stdout: `Wrote ${path}.\nTo check it:   npx switchyard doctor\nTo undo:       rm ${path}\n`,
    });
    expect(await readFile(path, "utf8")).toBe(configTemplate);
    await writeFile(path, "environments: {mine: {cloud: local}}\n");
    expect(await cli.failure("init")).toMatchObject({ message: expect.stringContaining("exists already") });
    expect(await readFile(path, "utf8")).toBe("environments: {mine: {cloud: local}}\n");
    await rm(path);
  });
});

describe("doctor", () => {
  test("says what is there, starts nothing, and fails only when told to be strict", async () => {
    const healthy = await cli.run(["doctor", "--strict"]);
    expect(healthy.code, told(healthy)).toBe(0);
    for (const name of ["Node", "npm packages", "Pulumi engine", "switchyard.yaml", "disk", "state folder"]) {
      expect(healthy.stdout).toMatch(new RegExp(`^ok +${name} `, "m"));
    }
    expect(healthy.stdout).toMatch(/^note +local cloud +does not run/m);

    const path = join(cli.root, "switchyard.yaml");
    await writeFile(path, "environments: {local: {cloud: nowhere}}\n");
    const [sick, strict] = await Promise.all([cli.run(["doctor"]), cli.failure("doctor", "--strict")]);
    await rm(path);
    expect(sick.code, told(sick)).toBe(0);
    expect(sick.stdout).toMatch(/^missing +switchyard\.yaml .*\n.*environments\.local\.cloud: "nowhere"/m);
    expect(sick.stdout).toContain("To repair:   npx switchyard init --print");
    expect(strict).toMatchObject({ code: "invalid-config", message: "Missing: switchyard.yaml" });
  });
});

describe("a machine without the Pulumi engine, Go or a network", () => {
  test("is told at once what was tried and what to install; nothing is left running", async () => {
    const closed = await closedPort();
    const tools = join(cli.root, "tools-only");
    await mkdir(tools);
    for (const name of ["sh", "bash", "env", "tar", "uname", "curl"]) {
      const found = which(name);
      if (found !== undefined) await symlink(found, join(tools, name));
    }
    const proxy = `http://127.0.0.1:${closed}`;
    const env = {
      PATH: tools,
      XDG_CACHE_HOME: join(cli.root, "empty-cache"),
      ...Object.fromEntries(
        ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].map((name) => [
          name,
          proxy,
        ]),
      ),
    };
    const ended = await cli.run(["up", "cloud-run.local", "--json"], { env });
    const said = parseEnvelope(ended.stdout);
    expect(ended.code, told(ended)).toBe(1);
    if (said.status !== "error") throw new Error("it should have failed");
    expect(said.error.code).toBe("engine-missing");
    expect(said.error.message).toMatch(/PATH: no pulumi; download: .*; build: /);
    expect(said.error.next.join("\n")).toContain("https://www.pulumi.com/docs/install/");
    expect(said.error.next.join("\n")).toContain("go.dev");
    expect(ended.ms).toBeLessThan(10_000);
    const doctor = await cli.run(["doctor"], { env });
    expect(doctor.stdout).toMatch(/^note +Pulumi engine +not here yet/m);
    expect(doctor.stdout).toMatch(/^note +Go +not found/m);
  });
});

describe("an installation that is not complete", () => {
  const older = olderNode();

  test.skipIf(older === undefined)("an older Node runs it with the Node that npm installed", async () => {
    const version = await cli.run(["--version"], { node: older ?? "" });
    expect(version.code, told(version)).toBe(0);
    expect(version.stdout).toMatch(/node-v24\./);
  });

  test.skipIf(older === undefined)("an older Node without it says what is missing, in both forms", async () => {
    const { node, exitCode } = { node: older ?? "", exitCode: catalogue["node-too-old"].exitCode };
    const bare = await open(["node_modules"]);
    const none = await bare.run(["doctor"], { node });
    expect(none).toMatchObject({ code: exitCode, stdout: "" });
    expect(none.stderr).toMatch(
      /^Error: node-too-old\nSwitchyard needs Node 24 or newer; this is \d+\..*not installed\.\nTo install it: +cd .* && npm ci\n/,
    );

    // As `npm ci --ignore-scripts` leaves it.
    await mkdir(join(bare.root, "node_modules", "node"), { recursive: true });
    const broken = await bare.run(["doctor", "--json"], { node });
    expect(broken).toMatchObject({ code: exitCode, stderr: "" });
    expect(parseEnvelope(broken.stdout)).toMatchObject({
      error: {
        code: "node-too-old",
        exitCode,
        message: expect.stringContaining("npm ci --ignore-scripts leaves its binary out"),
        next: [`To repair it:   cd ${bare.root} && npm rebuild node`],
      },
    });
  });

  test("without the npm packages it says so, in both forms", async () => {
    const bare = await open(["node_modules", "automation"]);
    await cp(join(checkout, "automation"), join(bare.root, "automation"), { recursive: true });
    const said = await bare.failure("doctor");
    expect(said).toMatchObject({
      code: "packages-missing",
      exitCode: catalogue["packages-missing"].exitCode,
      next: [`To install them:   cd ${bare.root} && npm ci`],
    });
    expect(said.message).toContain("@oclif/core");
    const text = await bare.run(["up", "cloud-run.local"]);
    expect(text.stderr).toMatch(/^Error: packages-missing\n/);
  });
});

describe("an output that takes no more", () => {
  const command = () => `${process.execPath} ${join(cli.root, "bin", "switchyard.js")} init --print`;
  const bash = (script: string): string => execFileSync("bash", ["-c", script], { encoding: "utf8" });

  test("is no error when it is a pipe whose reader has left", () => {
    expect(bash(`${command()} 2>&1 | true; echo "\${PIPESTATUS[0]}"`)).toBe("0\n");
  });

  test.runIf(existsSync("/dev/full"))("is one when it is a full disk", () => {
    const text = bash(`${command()} 2>&1 >/dev/full; echo "$?"`);
    expect(text).toMatch(/^Error: disk-full\nThe result could not be written .*\n.*\nMore: .*\n1\n$/);
  });
});

function which(name: string): string | undefined {
  try {
    return execFileSync("bash", ["-c", `type -P ${name}`], { encoding: "utf8" }).trim();
  } catch {
    // Not on this machine.
    return undefined;
  }
}

/** A Node below 24 on the PATH, which is not the one of npm's package. */
function olderNode(): string | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (folder.includes("node_modules")) continue;
    try {
      const path = join(folder, "node");
      const version = execFileSync(path, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
      if (Number(/^v(\d+)/.exec(version)?.[1]) < 24) return path;
    } catch {
      // None in this folder.
    }
  }
  return undefined;
}

/** A port of loopback on which nobody listens. */
function closedPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
