/** A language model that is asked for advice. */

export interface ModelRequest {
  readonly system: string;
  readonly prompt: string;
  /** Of the answer. */
  readonly maxTokens: number;
}

export interface LanguageModel {
  /** `Claude … at api.anthropic.com` */
  readonly description: string;
  /** The answer's text. Errors: language-model-failed; an abort's reason. */
  complete(request: ModelRequest, signal?: AbortSignal): Promise<string>;
}
