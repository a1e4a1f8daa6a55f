import { Flags } from "@oclif/core";
import { type AlertsView, alertsView, describeAlerts } from "../../alert-view.ts";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";

export default class AlertList extends EnvironmentCommand<AlertsView> {
  static override mutates = false;
  static override summary = "Alerts that are open or not told yet, silences, and targets that are down.";
  static override description =
    "An alert is kept before it is sent, so this list has it whether or not anybody could be told.";
  static override examples = ["<%= config.bin %> alert list --env local"];
  static override flags = {
    env: environmentFlag,
    all: Flags.boolean({ description: "Also those that are over; the last 60 are kept." }),
  };

  protected override async execute(): Promise<AlertsView> {
    const { flags } = await this.parse(AlertList);
    const desk = (await this.environment(flags.env)).alerts();
    return alertsView(flags.env, await desk.read(), desk.settings, Date.now(), flags.all);
  }

  protected override describe(result: AlertsView): readonly string[] {
    return describeAlerts(result, Date.now());
  }
}
