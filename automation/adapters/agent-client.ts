import type { KiroAgent } from "../ports/agent.ts";

/** Request header of the dark route: which platform shall answer. */
export const platformHeader = "x-switchyard-platform";

/** How the balancer is reached, and how a single platform is reached through it whatever its weight. */
export interface AgentRoute {
  /** The balancer, http://127.0.0.1:PORT or https://DARK-HOST. */
  readonly baseUrl: string;
  /** Host of the dark route, dark.<domain>. */
  readonly darkHost: string;
  /** Headers that name the trace a request belongs to. Default none. */
  readonly traceHeaders?: () => Readonly<Record<string, string>>;
  /** An identity token for services that admit no anonymous caller; absent where they do. */
  readonly identityToken?: () => Promise<string>;
}

/** A platform's client: its name, and how its agent is reached. */
export interface AgentClient {
  readonly platform: string;
  connect(route: AgentRoute): KiroAgent;
}
