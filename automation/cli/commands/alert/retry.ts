import { SwitchyardError } from "../../../errors.ts";
import { type AlertsView, alertsView } from "../../alert-view.ts";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";
import { plural } from "../../text.ts";

interface RetryResult extends AlertsView {
  /** Notices that were sent now. */
  readonly sent: number;
}

export default class AlertRetry extends EnvironmentCommand<RetryResult> {
  static override mutates = false;
  static override summary =
    "Send what waits, escalate and repeat what is due: for a person, or every minute by a scheduler.";
  static override description =
    "Every command on the environment sends what waits, too, while it runs. This one does not wait for a target's back-off, and fails when a target still takes nothing.";
  static override examples = ["<%= config.bin %> alert retry --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<RetryResult> {
    const { flags } = await this.parse(AlertRetry);
    const desk = (await this.environment(flags.env)).alerts();
    const { delivered: sent, troubles, unkept } = await desk.round(true);
    if (unkept !== undefined) throw new SwitchyardError("state-unreachable", { message: unkept });
    const view = alertsView(flags.env, await desk.read(), desk.settings, Date.now(), false);
    if (troubles.length === 0) return { ...view, sent };
    throw new SwitchyardError("alert-target-failed", {
      message: [
        `${plural(troubles.length, "target")} of environment ${flags.env} did not take what waits:`,
        ...troubles.map(
          ({ target, waiting: kept, failure }) =>
            `  ${target}: ${failure ?? "unknown reason"} (${plural(kept, "notice")} kept)`,
        ),
      ].join("\n"),
      next: [`To try the targets:   npx switchyard alert test --env ${flags.env}`],
      data: { ...view, sent },
    });
  }

  protected override describe({ sent, alerts, environment }: RetryResult): readonly string[] {
    const open = alerts.length === 0 ? "nothing is open" : `${plural(alerts.length, "alert")} open`;
    return [
      `${sent === 0 ? "Nothing was due" : `${plural(sent, "notice")} sent`}; ${open} in ${environment}.`,
      ...(alerts.length === 0 ? [] : [`To see:   npx switchyard alert list --env ${environment}`]),
    ];
  }
}
