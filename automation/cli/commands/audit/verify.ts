import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { type CheckedLog, checkLogs, describeChecked } from "../../audit-check.ts";
import { environmentFlag } from "../../environment-command.ts";
import { GuardCommand } from "../../guard-command.ts";

interface VerifyResult {
  readonly logs: readonly CheckedLog[];
}

export default class AuditVerify extends GuardCommand<VerifyResult> {
  static override mutates = false;
  static override summary = "Find a line of the audit log that was changed, is missing, doubled or out of order.";
  static override description =
    "Looks at the log of an environment and at that of the checkout (init, local start and stop), or at guard's. The lines' hashes have no secret: somebody who may write the log can make all of it anew. Keep the hash that this prints somewhere else, and give it back later with --head: a log that was made anew has no line of that hash.";
  static override examples = ["<%= config.bin %> audit verify --env local"];
  static override flags = {
    env: environmentFlag,
    guard: Flags.boolean({ description: "Guard's log, in its table, instead." }),
    head: Flags.string({
      description: "A hash that an earlier verify printed; one of the logs must still have that line. May be repeated.",
      multiple: true,
    }),
  };

  protected override async execute(): Promise<VerifyResult> {
    const { flags } = await this.parse(AuditVerify);
    const logs = await this.logs(flags.env, flags.guard);
    const checked = await checkLogs(logs);
    assertSound(checked, flags.head ?? []);
    return { logs: checked.map(({ hashes: _hashes, ...log }) => log) };
  }

  protected override describe({ logs }: VerifyResult): readonly string[] {
    return logs.flatMap(describeChecked);
  }
}

/** Errors: audit-damaged, with every problem. */
function assertSound(
  logs: readonly (CheckedLog & { readonly hashes: readonly string[] })[],
  heads: readonly string[],
): void {
  const gone = heads.filter((head) => !logs.some(({ hashes }) => hashes.includes(head)));
  const problems = [
    ...logs.flatMap((log) => log.problems),
    ...gone.map((head) => `no line has the hash ${head}: the log was made anew, or the hash is of another log`),
  ];
  if (problems.length === 0) return;
  const repair = logs.filter((log) => log.problems.length > 0).map((log) => log.setAside);
  throw new SwitchyardError("audit-damaged", {
    message: `The audit log is damaged:\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    next: [
      "Ask who could write there, and compare with a copy.",
      ...repair.map((command) => `To keep it and begin a new one:   ${command}`),
    ],
    data: { problems, logs: logs.map(({ place, lines, problems: own }) => ({ place, lines, problems: own })) },
  });
}
