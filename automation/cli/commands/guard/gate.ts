import { Flags } from "@oclif/core";
import type { Gate } from "../../../guard/merge-request/gate.ts";
import { GuardCommand } from "../../guard-command.ts";

export default class GuardGate extends GuardCommand<Gate> {
  static override mutates = false;
  static override summary = "Say whether a merge request of guard may still be merged; a job of its pipeline.";
  static override description =
    "Fails when its checks have aged or its plan has changed, so that a stale merge request turns red. Merge requests that are not guard's pass. Reads guard's open merge requests of the repository and changes nothing. In GitLab CI its flags have CI's own values; the token (scope read_api) is a variable of the project. Let the pipeline have to succeed, and run the job again before a merge that comes late.";
  static override examples = ["<%= config.bin %> guard gate --repository fleet/prod --merge-request 42"];
  static override flags = {
    repository: Flags.string({
      description: "Path of the repository, group/project. Default in CI: its own.",
      env: "CI_PROJECT_PATH",
      required: true,
    }),
    "merge-request": Flags.integer({
      description: "Number of the merge request. Default in CI: the one that it runs for.",
      env: "CI_MERGE_REQUEST_IID",
      min: 1,
      required: true,
    }),
    plan: Flags.string({
      description: "Hash of the plan that holds. Default: what the batch's other open merge requests say.",
    }),
    url: Flags.string({
      description: "Address of GitLab. Default in CI: its own, else guard.gitlab.url.",
      env: "CI_SERVER_URL",
    }),
    "token-from": Flags.string({
      description: "Where the token is, as guard.gitlab.token_from has it. Default that, else GITLAB_TOKEN.",
    }),
  };

  protected override async execute(): Promise<Gate> {
    const { flags } = await this.parse(GuardGate);
    const [{ gateMergeRequest }, { planDigest }, guard] = await Promise.all([
      import("../../guard-gate.ts"),
      import("../../../guard/plan/digest.ts"),
      this.guard(),
    ]);
    const host = await guard.gitHost({ url: flags.url, tokenFrom: flags["token-from"] });
    return gateMergeRequest({
      host,
      repository: flags.repository,
      iid: flags["merge-request"],
      plan: flags.plan,
      digest: planDigest,
      now: guard.clock.wall(),
      signal: this.signal,
    });
  }

  protected override describe(gate: Gate): readonly string[] {
    return gate.kind === "stale" ? gate.reasons : [gate.text];
  }
}
