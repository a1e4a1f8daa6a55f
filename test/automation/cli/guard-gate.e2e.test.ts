import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGitLab } from "../../../automation/adapters/gitlab.ts";
import { systemClock } from "../../../automation/adapters/system-clock.ts";
import { branchName, markText, type StepMark } from "../../../automation/guard/merge-request/mark.ts";
import { planDigest } from "../../../automation/guard/plan/digest.ts";
import { type CliCheckout, openCliCheckout, parseEnvelope } from "../../support/cli.ts";
import { type GitLabServer, startGitLabServer } from "../../support/gitlab-server/server.ts";

const repository = "fleet/prod";
let checkout: CliCheckout;
let server: GitLabServer;
beforeAll(async () => {
  [checkout, server] = await Promise.all([openCliCheckout(), startGitLabServer()]);
});
afterAll(async () => {
  await checkout.close();
  await server.close();
});

async function open(checkedAt: number, attempt: number): Promise<number> {
  const { url, token, hands } = server;
  const host = createGitLab({ url, token, clock: systemClock, limits: { perMinute: 1_000 } });
  const mark: StepMark = {
    kind: "upgrade",
    plan: "0123456789ab",
    step: 0,
    attempt,
    checkedAt,
    validMinutes: 60,
    batch: "wave-1",
    version: "1.30.5",
  };
  const source = branchName(repository, mark, planDigest);
  await hands.push(repository, source, "guard-bot", "x", [{ kind: "update", path: "a.yaml", text: `a: ${attempt}\n` }]);
  const request = { source, target: "main", title: "x", labels: [], reviewers: [], removeSourceBranch: true };
  const made = await host.createMergeRequest(repository, { ...request, description: markText(mark) });
  if (made === "exists") throw new Error("it was there");
  return made.iid;
}

describe("switchyard guard gate, with the variables of GitLab CI", () => {
  const ask = async (iid: number, token = server.token) => {
    const ended = await checkout.run(["guard", "gate", "--json"], {
      env: {
        CI_SERVER_URL: server.url,
        CI_PROJECT_PATH: repository,
        CI_MERGE_REQUEST_IID: String(iid),
        GITLAB_TOKEN: token,
      },
    });
    return { ...ended, said: parseEnvelope(ended.stdout) };
  };

  test("passes while the checks hold, and turns red when they have aged", async () => {
    await server.hands.createRepository(repository, { "a.yaml": "a: 1\n" });
    const fresh = await ask(await open(Date.now(), 2));
    expect(fresh).toMatchObject({ code: 0, said: { status: "ok", result: { kind: "fresh" } } });
    const stale = await ask(await open(Date.now() - 3_700_000, 3));
    expect(stale).toMatchObject({ code: 5, said: { status: "error", error: { code: "guard-refused" } } });
  });

  test("says a wrong token, without it", async () => {
    const refused = await ask(1, "glpat-wrong-token-0123");
    expect(refused).toMatchObject({ code: 3, said: { error: { code: "git-host-refused" } } });
    expect(refused.stdout + refused.stderr).not.toContain("glpat-wrong");
  });

  test("without a token says where one is looked for", async () => {
    const { code, stderr } = await checkout.run(["guard", "gate", "--repository", repository, "--merge-request", "1"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("GITLAB_TOKEN");
  });
});
