import type { HealthReport } from "../../../../services/kiro/contract.ts";
import { AgentCommand, agentFlags } from "../../agent-command.ts";

export default class AgentHealth extends AgentCommand<HealthReport> {
  static override mutates = false;
  static override summary = "Ask an instance of the agent how it is.";
  static override examples = ["<%= config.bin %> agent health --platform cloud-run"];
  static override flags = agentFlags;

  protected override async execute(): Promise<HealthReport> {
    const { flags } = await this.parse(AgentHealth);
    return this.asked(flags.env, (await this.agent(flags)).healthCheck(this.signal));
  }
}
