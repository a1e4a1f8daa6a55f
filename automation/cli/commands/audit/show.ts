import { Flags } from "@oclif/core";
import { auditProblemText } from "../../../audit/log.ts";
import { type AuditedCommand, auditedCommands } from "../../audit-check.ts";
import { parseDuration } from "../../duration-flag.ts";
import { environmentFlag } from "../../environment-command.ts";
import { GuardCommand } from "../../guard-command.ts";
import { dateAndTime, duration, table } from "../../text.ts";

interface ShowResult {
  readonly commands: readonly AuditedCommand[];
}

export default class AuditShow extends GuardCommand<ShowResult> {
  static override mutates = false;
  static override summary = "Show who changed what, when, and what came of it.";
  static override description =
    "Commands of an environment and of the checkout, or guard's, oldest first. `begun` means that it runs, or that it was killed.";
  static override examples = ["<%= config.bin %> audit show --since 24h"];
  static override flags = {
    env: environmentFlag,
    guard: Flags.boolean({ description: "Guard's log, in its table, instead." }),
    since: Flags.string({ description: "Only what began so long ago or later, for example 2h." }),
    command: Flags.string({ description: "Only this command, for example 'swap start' or swap." }),
  };

  protected override async execute(): Promise<ShowResult> {
    const { flags } = await this.parse(AuditShow);
    const since = flags.since === undefined ? 0 : Date.now() - parseDuration("--since", flags.since);
    const logs = await this.logs(flags.env, flags.guard);
    const contents = (
      await Promise.all(logs.map(async (log) => [...(await log.readAside()), await log.read()]))
    ).flat();
    for (const content of contents) {
      const [problem] = content?.problems ?? [];
      if (content !== undefined && problem !== undefined)
        this.addWarning(
          `the log is damaged, and what is shown may be wrong. ${auditProblemText(content.place, problem)}`,
        );
    }
    const commands = auditedCommands(contents.flatMap((content) => content?.entries ?? []));
    return { commands: commands.filter((one) => Date.parse(one.at) >= since && isOf(one.command, flags.command)) };
  }

  protected override describe({ commands }: ShowResult): readonly string[] {
    if (commands.length === 0) return ["Nothing was changed yet that this log knows of."];
    return table(
      ["began", "took", "who", "command", "outcome"],
      commands.map((one) => [
        dateAndTime(Date.parse(one.at)),
        one.endedAt === undefined ? "-" : duration(Date.parse(one.endedAt) - Date.parse(one.at)),
        `${one.who}@${one.host}`,
        [one.command, ...one.arguments].join(" "),
        one.code === undefined ? one.phase : `${one.phase}: ${one.code}`,
      ]),
    );
  }
}

/** `swap` is every command of the topic. */
function isOf(command: string, wanted: string | undefined): boolean {
  return wanted === undefined || command === wanted || command.startsWith(`${wanted} `);
}
