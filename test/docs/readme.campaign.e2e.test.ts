import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CliCheckout, checkout, openCliCheckout } from "../support/cli.ts";
import { codeBlocks } from "./documents.ts";

let user: CliCheckout;
beforeAll(async () => {
  user = await openCliCheckout();
});
afterAll(() => user.close());

interface ShellResult {
  readonly code: number | null;
  /** Both streams, as a terminal shows them. */
  readonly text: string;
}

/** Runs lines in one bash, as somebody who pastes them into one terminal; what they leave behind is ended. */
function runInShell(script: string): Promise<ShellResult> {
  return new Promise((resolve, reject) => {
    const shell = spawn("bash", ["-e", "-o", "pipefail", "-c", script], {
      cwd: user.root,
      env: { ...user.env, npm_config_update_notifier: "false" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let text = "";
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
    }
    shell.once("error", reject);
    shell.once("exit", () => {
      if (shell.pid === undefined) return;
      try {
        process.kill(-shell.pid, "SIGKILL");
      } catch (error) {
        // Nothing was left, as it should be.
        if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
      }
    });
    shell.once("close", (code) => resolve({ code, text }));
  });
}

describe("the README's five minutes by hand", () => {
  test("given a new checkout, when its commands are pasted in order, then all of them do what it says", async () => {
    const readme = await readFile(join(checkout, "README.md"), "utf8");
    const blocks = codeBlocks(readme, "sh");
    expect(blocks.length).toBeGreaterThan(4);
    const { code, text } = await runInShell(
      blocks.map((block, index) => `echo "== block ${index + 1}"\n${block}`).join(""),
    );

    expect(code, text).toBe(0);
    expect(text).toContain('"value": "hello"');
    expect(text).toMatch(/Swap 1 of local: cloud-run -> gke, completed/);
    expect(text).toMatch(/^gke +100 % +100 %/m);
    expect(text).toMatch(/^\{"type":"summary",.*"sent":[1-9]\d*,"ended":[1-9]\d*,"failed":0,/m);
    expect(text).toMatch(/with 3 instances/);
    expect(text).toMatch(/The local cloud \(process \d+\) has ended/);
    expect(await user.result("local", "status")).toMatchObject({ running: false });
    // 80 s alone; other campaigns share the machine.
  }, 420_000);
});
