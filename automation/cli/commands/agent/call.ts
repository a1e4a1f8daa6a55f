import { randomUUID } from "node:crypto";
import { Args } from "@oclif/core";
import type { KiroResponse } from "../../../../services/kiro/contract.ts";
import { SwitchyardError } from "../../../errors.ts";
import { AgentCommand, agentFlags } from "../../agent-command.ts";

export default class AgentCall extends AgentCommand<KiroResponse> {
  static override mutates = false;
  static override summary = "Send a request to the agent and print its response.";
  static override examples = ['<%= config.bin %> agent call \'{"operation":"echo","value":"hello"}\''];
  static override args = {
    data: Args.string({
      description: "The request's data, a JSON object.",
      default: '{"operation":"echo","value":"hello"}',
    }),
  };
  static override flags = agentFlags;

  protected override async execute(): Promise<KiroResponse> {
    const { args, flags } = await this.parse(AgentCall);
    const data = parseObject(args.data);
    const agent = await this.agent(flags);
    const request = {
      data,
      headers: {},
      method: "POST",
      path: "/process",
      queryParams: {},
      timestamp: new Date().toISOString(),
      requestId: randomUUID(),
    };
    return this.asked(flags.env, agent.processRequest(request, this.signal));
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new SwitchyardError("usage-error", {
    message: `${text} is not a JSON object`,
    next: `For example:   npx switchyard agent call '{"operation":"echo","value":"hello"}'`,
  });
}
