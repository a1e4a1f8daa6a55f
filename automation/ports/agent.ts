import type {
  HealthReport,
  KiroMetrics,
  KiroRequest,
  KiroResponse,
  PlatformInfo,
} from "../../services/kiro/contract.ts";

/** The agent's interface (requirement "KiroAgentInterface"), the same on every platform. */
export interface KiroAgent {
  /** The platform whose instances answer. */
  readonly platform: string;
  /** Errors: agent-unreachable, agent-operation-missing, agent-reply-invalid. A 5xx is a KiroResponse, not an error. */
  processRequest(request: KiroRequest, signal?: AbortSignal): Promise<KiroResponse>;
  healthCheck(signal?: AbortSignal): Promise<HealthReport>;
  getMetrics(signal?: AbortSignal): Promise<KiroMetrics>;
  getPlatformInfo(signal?: AbortSignal): Promise<PlatformInfo>;
}
