/** Language models of Amazon Bedrock, by Converse. The only importer of its client. */
import type { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import { SwitchyardError } from "../errors.ts";
import type { LanguageModel } from "../ports/language-model.ts";
import {
  type AwsPlace,
  awsEndpoint,
  awsLogin,
  confidentialOnly,
  confidentialStep,
  isCredentialsError,
  isNamed,
  secretsOf,
} from "./aws-client.ts";
import { modelFailed } from "./language-models.ts";
import { errorWithoutSecrets } from "./without-secrets.ts";

const place: AwsPlace = Object.freeze({
  service: "Bedrock",
  setting: "llm.endpoint",
  variable: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
});

export interface BedrockOptions {
  /** Id of a model or an inference profile. */
  readonly model: string;
  readonly region: string;
  /** Another server than AWS's; plain HTTP only on this machine. */
  readonly endpoint?: string | undefined;
  /** Time for the answer, ms; default 120,000. */
  readonly timeoutMs?: number;
}

/** The client is loaded with the first question. Errors of a question besides: credentials-missing, credentials-over-http, invalid-config. */
export function createBedrockModel({ model, region, endpoint, timeoutMs = 120_000 }: BedrockOptions): LanguageModel {
  const description = `${model} of Bedrock in ${region}`;
  return {
    description,
    async complete({ system, prompt, maxTokens }, signal) {
      signal?.throwIfAborted();
      const sdk = await import("@aws-sdk/client-bedrock-runtime");
      const client = new sdk.BedrockRuntimeClient({
        region,
        maxAttempts: 2,
        // HTTP/2, for which there is no time limit of a connection.
        requestHandler: { requestTimeout: timeoutMs },
        ...awsEndpoint(endpoint, place),
      });
      client.middlewareStack.add(confidentialOnly(place), confidentialStep);
      try {
        const { output, stopReason } = await client.send(
          new sdk.ConverseCommand({
            modelId: model,
            system: [{ text: system }],
            messages: [{ role: "user", content: [{ text: prompt }] }],
            inferenceConfig: { maxTokens },
          }),
          signal === undefined ? {} : { abortSignal: signal },
        );
        if (stopReason === "max_tokens")
          throw modelFailed(description, `its answer was cut off at ${maxTokens} tokens`);
        return (output?.message?.content ?? []).map(({ text = "" }) => text).join("");
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        throw await asModelError(error, description, client);
      } finally {
        client.destroy();
      }
    },
  };
}

async function asModelError(thrown: unknown, description: string, client: BedrockRuntimeClient): Promise<unknown> {
  if (thrown instanceof SwitchyardError || !(thrown instanceof Error)) return thrown;
  // Where there are none, they are not looked for once more, which can take seconds.
  const apart = isNamed(thrown, "CredentialsProviderError");
  const error = errorWithoutSecrets(thrown, apart ? [] : await secretsOf(() => client.config.credentials()));
  if (isCredentialsError(error))
    return new SwitchyardError("credentials-missing", {
      message: `${description} got no valid credentials: ${error.message}`,
      next: awsLogin,
      cause: error,
    });
  return modelFailed(description, `${error.name}: ${error.message || "no answer"}`, error);
}
