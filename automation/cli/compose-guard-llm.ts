/** Who is asked for advice on a failure: a part of the wiring (compose.ts). Opened with the first question, so that what is wrong with it stops no run. */
import { loadLanguageModel } from "../adapters/custom-modules.ts";
import { createBedrockModel } from "../adapters/language-model-bedrock.ts";
import { createAnthropicModel, createOllamaModel, createOpenAiModel } from "../adapters/language-models.ts";
import { SwitchyardError } from "../errors.ts";
import type { GuardConfig } from "../guard/settings.ts";
import type { LanguageModel } from "../ports/language-model.ts";

export interface LanguageModelPlaces {
  /** Of the checkout, for models by module. */
  readonly root: string;
  /** A secret by where the configuration says it is. */
  secret(reference: string): Promise<string>;
}

/** undefined: nobody is to be asked. Errors of a question besides: invalid-config, credentials-missing, credentials-over-http, module-unusable. */
export function openLanguageModel(
  { llm, aws }: Pick<GuardConfig, "llm" | "aws">,
  places: LanguageModelPlaces,
): LanguageModel | undefined {
  if (!llm.enabled) return undefined;
  let opened: Promise<LanguageModel> | undefined;
  return {
    description:
      llm.provider === "module" ? (llm.custom?.module ?? "module") : `${llm.model ?? "?"} of ${llm.provider}`,
    async complete(request, signal) {
      opened ??= open(llm, aws.region, places);
      return (await opened).complete(request, signal);
    },
  };
}

async function open(llm: GuardConfig["llm"], region: string, places: LanguageModelPlaces): Promise<LanguageModel> {
  const needed = (name: string): SwitchyardError =>
    new SwitchyardError("invalid-config", { message: `guard.llm.${name} is needed for provider: ${llm.provider}` });
  const { provider, endpoint, custom, api_key_from: from, model } = llm;
  if (provider === "module") {
    if (custom === undefined) throw needed("custom");
    return loadLanguageModel(custom, places.root);
  }
  if (model === undefined) throw needed("model");
  const apiKey = from === undefined ? undefined : await places.secret(from);
  switch (provider) {
    case "anthropic":
      return createAnthropicModel({ model, apiKey, endpoint });
    case "openai":
      return createOpenAiModel({ model, apiKey, endpoint });
    case "ollama":
      return createOllamaModel({ model, endpoint });
    case "bedrock":
      return createBedrockModel({ model, region, endpoint });
  }
}
