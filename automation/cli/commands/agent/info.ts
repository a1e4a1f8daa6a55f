import type { PlatformInfo } from "../../../../services/kiro/contract.ts";
import { AgentCommand, agentFlags } from "../../agent-command.ts";

export default class AgentInfo extends AgentCommand<PlatformInfo> {
  static override mutates = false;
  static override summary = "Print where an instance of the agent runs.";
  static override examples = ["<%= config.bin %> agent info --platform cloud-run"];
  static override flags = agentFlags;

  protected override async execute(): Promise<PlatformInfo> {
    const { flags } = await this.parse(AgentInfo);
    return this.asked(flags.env, (await this.agent(flags)).getPlatformInfo(this.signal));
  }
}
