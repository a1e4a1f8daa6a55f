import { SwitchyardError } from "../../../errors.ts";
import type { Notice } from "../../../ports/notifier.ts";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";
import { plural, table } from "../../text.ts";

interface TestResult {
  readonly environment: string;
  readonly targets: readonly {
    readonly name: string;
    readonly delivered: boolean;
    /** Of one that did not take it. */
    readonly why: string | undefined;
  }[];
}

export default class AlertTest extends EnvironmentCommand<TestResult> {
  static override mutates = false;
  static override summary = "Send a marked test alert to each target and say which took it.";
  static override description =
    "The test is critical, marked as a test, and over as soon as it is said: it leaves nothing open. It is not kept.";
  static override examples = ["<%= config.bin %> alert test --env local"];
  static override flags = { env: environmentFlag };

  protected override async execute(): Promise<TestResult> {
    const { flags } = await this.parse(AlertTest);
    const environment = await this.environment(flags.env);
    const { notifiers } = environment.alerts();
    const names = Object.keys(notifiers);
    if (names.length === 0) {
      throw new SwitchyardError("invalid-config", {
        message: `Environment ${flags.env} has no alert target to test`,
        next: `Name one under environments.${flags.env}.alerts.targets in switchyard.yaml. To see how:   npx switchyard init --print`,
      });
    }
    const notice = testNotice(flags.env, Date.now());
    const targets = await Promise.all(
      Object.entries(notifiers).map(async ([name, notifier]) => {
        const delivery = await notifier.notify(notice, this.signal);
        return { name, delivered: delivery.delivered, why: delivery.delivered ? undefined : delivery.why };
      }),
    );
    const result = { environment: flags.env, targets };
    const failed = targets.filter(({ delivered }) => !delivered);
    if (failed.length === 0) return result;
    throw new SwitchyardError("alert-target-failed", {
      message: [
        `${failed.length} of ${plural(targets.length, "target")} did not take the test alert:`,
        ...failed.map(({ name, why }) => `  ${name}: ${why}`),
      ].join("\n"),
      next: [`To try again:   npx switchyard alert test --env ${flags.env}`],
      data: { ...result },
    });
  }

  protected override describe({ targets }: TestResult): readonly string[] {
    return table(
      ["target", "test alert"],
      targets.map(({ name }) => [name, "taken"]),
    );
  }
}

function testNotice(environment: string, at: number): Notice {
  return {
    id: `test-${at}`,
    kind: "raise",
    why: "a person tests the target",
    momentary: true,
    alert: {
      code: "alert-test",
      severity: "critical",
      environment,
      title: `TEST of the alerts of ${environment}: nothing is wrong`,
      detail: "sent by switchyard alert test",
      next: ["Nothing is to be done."],
      at,
      dedupKey: `${environment}/test/${at}`,
    },
  };
}
