import { Flags } from "@oclif/core";
import type { AuditLog } from "../../../audit/log.ts";
import { SwitchyardError } from "../../../errors.ts";
import { confirmName } from "../../confirm.ts";
import { environmentFlag } from "../../environment-command.ts";
import { GuardCommand } from "../../guard-command.ts";
import { plural } from "../../text.ts";

interface SetAsideResult {
  readonly aside: string;
  readonly lines: number;
  readonly problems: number;
  /** Hash of the new log's first line. */
  readonly head: string;
}

export default class AuditSetAside extends GuardCommand<SetAsideResult> {
  static override mutates = true;
  static override summary = "Begin a new audit log after one that is damaged; the damaged one is kept.";
  static override description =
    "The new log begins with who did this, why, and how the old one stood. A log that is as it was written is refused.";
  static override examples = [
    "<%= config.bin %> audit set-aside --env local --reason 'disk was restored from a backup'",
  ];
  static override flags = {
    env: environmentFlag,
    guard: Flags.boolean({ description: "Guard's log, in its table, instead." }),
    checkout: Flags.boolean({
      description: "The log of the checkout (init, local start and stop), not an environment's.",
      exclusive: ["guard"],
    }),
    reason: Flags.string({ description: "Why, for those who read the log.", required: true }),
    yes: Flags.boolean({ char: "y", description: "Do not ask for the name." }),
  };

  /** It is the first line of the new log itself: the damaged one takes none. */
  protected override async auditLog(): Promise<undefined> {
    return undefined;
  }

  protected override async execute(): Promise<SetAsideResult> {
    const { flags } = await this.parse(AuditSetAside);
    const { factsOf } = await import("../../audit-trail.ts");
    const [environments, checkout] = await this.logs(flags.env, flags.guard);
    const log = flags.checkout ? (checkout ?? environments) : environments;
    const { place } = await assertDamaged(log);
    await confirmName(
      log.environment ?? (flags.guard ? "guard" : "checkout"),
      `leave ${place} as it is and begin a new log`,
      flags.yes,
      "--yes",
      this.signal,
    );
    const call = { command: "audit set-aside", arguments: this.argv, env: process.env, now: Date.now };
    const { aside, head } = await log.setAside(factsOf(log, call)("done", { exitCode: 0 }));
    return { aside: aside.place, lines: aside.hashes.length, problems: aside.problems.length, head: head.hash };
  }

  protected override describe({ aside, lines, head }: SetAsideResult): readonly string[] {
    return [`${aside} stays as it is, with ${plural(lines, "line")}; a new log has begun (${head}).`];
  }
}

/** Errors: usage-error. */
async function assertDamaged(log: AuditLog): Promise<{ readonly place: string }> {
  const content = await log.read();
  if (content !== undefined && content.problems.length > 0) return content;
  throw new SwitchyardError("usage-error", {
    message:
      content === undefined ? "There is no audit log yet" : `The audit log is as it was written (${content.place})`,
    next: "To look at it:   npx switchyard audit verify",
  });
}
