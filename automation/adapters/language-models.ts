/** Language models of Anthropic, OpenAI and Ollama, over their HTTP APIs. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { LanguageModel, ModelRequest } from "../ports/language-model.ts";
import { parseJson } from "./json-text.ts";
import { isConfidential } from "./loopback.ts";
import { errorWithoutSecrets, withoutSecrets } from "./without-secrets.ts";

export interface ModelOptions {
  readonly model: string;
  /** Not for Ollama. */
  readonly apiKey?: string | undefined;
  /** Base instead of the provider's own. */
  readonly endpoint?: string | undefined;
  /** Time for the answer, ms; default 120,000. */
  readonly timeoutMs?: number;
}

interface Provider {
  readonly name: string;
  readonly base: string;
  readonly path: string;
  headers(apiKey: string): Readonly<Record<string, string>>;
  body(model: string, request: ModelRequest): unknown;
  /** The text of an answer; undefined when it is cut off. */
  readonly answer: z.ZodType<string | undefined>;
}

const messages = ({ system, prompt }: ModelRequest) => [
  { role: "system", content: system },
  { role: "user", content: prompt },
];

const anthropic: Provider = {
  name: "Anthropic",
  base: "https://api.anthropic.com/",
  path: "v1/messages",
  headers: (apiKey) => ({ "x-api-key": apiKey, "anthropic-version": "2023-06-01" }),
  body: (model, { system, prompt, maxTokens }) => ({
    model,
    max_tokens: maxTokens,
    system,
    messages: [{ role: "user", content: prompt }],
  }),
  answer: z
    .object({
      content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
      stop_reason: z.string().nullable(),
    })
    .transform(({ content, stop_reason: why }) =>
      why === "max_tokens" ? undefined : content.map(({ type, text = "" }) => (type === "text" ? text : "")).join(""),
    ),
};

const openai: Provider = {
  name: "OpenAI",
  base: "https://api.openai.com/",
  path: "v1/chat/completions",
  headers: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  body: (model, request) => ({
    model,
    max_completion_tokens: request.maxTokens,
    response_format: { type: "json_object" },
    messages: messages(request),
  }),
  answer: z
    .object({
      choices: z
        .array(
          z.object({ message: z.object({ content: z.string().nullable() }), finish_reason: z.string().nullable() }),
        )
        .min(1),
    })
    .transform(({ choices: [first] }) =>
      first === undefined || first.finish_reason === "length" ? undefined : (first.message.content ?? ""),
    ),
};

const ollama: Provider = {
  name: "Ollama",
  base: "http://127.0.0.1:11434/",
  path: "api/chat",
  headers: () => ({}),
  body: (model, request) => ({
    model,
    stream: false,
    format: "json",
    options: { num_predict: request.maxTokens },
    messages: messages(request),
  }),
  answer: z
    .object({ message: z.object({ content: z.string() }), done_reason: z.string().optional() })
    .transform(({ message, done_reason: why }) => (why === "length" ? undefined : message.content)),
};

/** Errors of all: credentials-missing, credentials-over-http, invalid-config. */
export const createAnthropicModel = (options: ModelOptions): LanguageModel => modelOf(anthropic, options);
export const createOpenAiModel = (options: ModelOptions): LanguageModel => modelOf(openai, options);
export const createOllamaModel = (options: ModelOptions): LanguageModel => modelOf(ollama, { ...options, apiKey: "" });

export const modelFailed = (description: string, why: string, cause?: unknown): SwitchyardError =>
  new SwitchyardError("language-model-failed", { message: `${description}: ${why}`, cause });

function modelOf(provider: Provider, { model, apiKey, endpoint, timeoutMs = 120_000 }: ModelOptions): LanguageModel {
  const address = endpoint ?? provider.base;
  if (!URL.canParse(address))
    throw new SwitchyardError("invalid-config", { message: `llm.endpoint is '${address}', which is not a URL` });
  if (apiKey === undefined)
    throw new SwitchyardError("credentials-missing", {
      message: `${provider.name} needs a key, and llm.api_key_from names none`,
      next: "Set llm.api_key_from.",
    });
  const base = new URL(address.endsWith("/") ? address : `${address}/`);
  const description = `${model} of ${provider.name} at ${base.host}`;
  // What is sent is a secret too, though it was redacted.
  if (!isConfidential(base))
    throw new SwitchyardError("credentials-over-http", {
      message: `what is sent to ${description} would go over plain HTTP`,
    });
  const secrets = apiKey === "" ? [] : [apiKey];
  return {
    description,
    async complete(request, signal) {
      signal?.throwIfAborted();
      const deadline = AbortSignal.timeout(timeoutMs);
      let reply: { readonly status: number; readonly text: string };
      try {
        const sent = await fetch(new URL(provider.path, base), {
          method: "POST",
          headers: { "content-type": "application/json", ...provider.headers(apiKey) },
          body: JSON.stringify(provider.body(model, request)),
          signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
          redirect: "error",
        });
        reply = { status: sent.status, text: withoutSecrets(await sent.text(), secrets) };
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        const clean = errorWithoutSecrets(error, secrets);
        if (deadline.aborted) throw modelFailed(description, `no answer within ${timeoutMs / 1_000} s`, clean);
        if (error instanceof TypeError)
          throw modelFailed(description, withoutSecrets(String(error.cause ?? error.message), secrets), clean);
        throw clean;
      }
      if (reply.status !== 200)
        throw modelFailed(
          description,
          `it answered ${reply.status}: ${reply.text.replaceAll(/\s+/g, " ").slice(0, 300)}`,
        );
      const parsed = provider.answer.safeParse(parseJson(reply.text));
      if (!parsed.success) throw modelFailed(description, "its answer was not understood", parsed.error);
      if (parsed.data === undefined)
        throw modelFailed(description, `its answer was cut off at ${request.maxTokens} tokens`);
      return parsed.data;
    },
  };
}
