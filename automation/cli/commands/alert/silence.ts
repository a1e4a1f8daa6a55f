import { userInfo } from "node:os";
import { Flags } from "@oclif/core";
import { silenced } from "../../../alerts/silence.ts";
import { parseDuration } from "../../duration-flag.ts";
import { EnvironmentCommand, environmentFlag } from "../../environment-command.ts";
import { dateAndTime } from "../../text.ts";

interface SilenceResult {
  readonly environment: string;
  readonly id: string;
  readonly code: string | undefined;
  readonly platform: string | undefined;
  readonly until: string;
  readonly why: string;
}

export default class AlertSilence extends EnvironmentCommand<SilenceResult> {
  static override mutates = true;
  static override summary = "Keep alerts without telling anybody, until a time.";
  static override description =
    "Silenced alerts are kept and listed. One that has not ended when the silence is over is told then.";
  static override examples = ['<%= config.bin %> alert silence --for 2h --why "load test" --env local'];
  static override flags = {
    env: environmentFlag,
    code: Flags.string({ description: "Only alerts of this code. Default all." }),
    platform: Flags.string({ description: "Only alerts of this platform. Default all." }),
    for: Flags.string({ description: "How long, with its unit: 90s, 30m, 2h; up to a week.", required: true }),
    why: Flags.string({ description: "Why, for those who read the list.", required: true }),
  };

  protected override async execute(): Promise<SilenceResult> {
    const { flags } = await this.parse(AlertSilence);
    const { env, code, platform, why } = flags;
    const desk = (await this.environment(env)).alerts();
    const now = Date.now();
    const until = now + parseDuration("--for", flags.for);
    const book = await desk.change((before) =>
      silenced(before, { code, platform, until, by: userInfo().username, why }, now),
    );
    return { environment: env, id: String(book.last), code, platform, until: new Date(until).toISOString(), why };
  }

  protected override describe({ id, code, platform, until, environment }: SilenceResult): readonly string[] {
    const what = [code ?? "every alert", ...(platform === undefined ? [] : [`of ${platform}`])].join(" ");
    return [
      `Silence ${id}: ${what} is not told until ${dateAndTime(Date.parse(until))}.`,
      `To undo:   npx switchyard alert unsilence ${id} --env ${environment}`,
    ];
  }
}
