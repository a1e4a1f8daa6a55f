import type { KiroMetrics } from "../../../../services/kiro/contract.ts";
import { AgentCommand, agentFlags } from "../../agent-command.ts";

export default class AgentMetrics extends AgentCommand<KiroMetrics> {
  static override mutates = false;
  static override summary = "Print the metrics of an instance of the agent.";
  static override examples = ["<%= config.bin %> agent metrics --platform cloud-run"];
  static override flags = agentFlags;

  protected override async execute(): Promise<KiroMetrics> {
    const { flags } = await this.parse(AgentMetrics);
    return this.asked(flags.env, (await this.agent(flags)).getMetrics(this.signal));
  }
}
