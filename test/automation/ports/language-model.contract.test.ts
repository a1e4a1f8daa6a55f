import { describe, expect, onTestFinished, test } from "vitest";
import { createBedrockModel } from "../../../automation/adapters/language-model-bedrock.ts";
import {
  createAnthropicModel,
  createOllamaModel,
  createOpenAiModel,
} from "../../../automation/adapters/language-models.ts";
import type { LanguageModel } from "../../../automation/ports/language-model.ts";
import { serveModel } from "../../support/model-server.ts";

const apiKey = "key-of-the-provider";
const request = { system: "be brief", prompt: "what failed?", maxTokens: 321 };
const failure = (words: RegExp) =>
  expect.objectContaining({ code: "language-model-failed", message: expect.stringMatching(words) });

describe.each<[string, (endpoint: string) => LanguageModel]>([
  ["Anthropic", (endpoint) => createAnthropicModel({ model: "m", apiKey, endpoint })],
  ["OpenAI", (endpoint) => createOpenAiModel({ model: "m", apiKey, endpoint })],
  ["Ollama", (endpoint) => createOllamaModel({ model: "m", endpoint })],
  ["Bedrock", (endpoint) => createBedrockModel({ model: "m", region: "eu-west-1", endpoint })],
])("language model of %s", (name, create) => {
  const given = async () => {
    const server = await serveModel({ http2: name === "Bedrock" });
    onTestFinished(() => server.close());
    return { server, model: create(server.url) };
  };

  test("sends both texts and the limit, and gives the answer's text", async () => {
    const { server, model } = await given();
    server.say("the gateway");
    expect(await model.complete(request)).toBe("the gateway");
    const sent = JSON.stringify(server.asked[0]?.body);
    for (const part of [request.system, request.prompt, "321"]) expect(sent).toContain(part);
    expect(sent).not.toContain(apiKey);
  });

  test("an answer that was cut off is an error, not half an answer", async () => {
    const { server, model } = await given();
    server.say('{"summary": "the ga', true);
    await expect(model.complete(request)).rejects.toEqual(failure(/cut off at 321 tokens/));
  });

  test("a refusal is told in the server's words, without the key", async () => {
    const { server, model } = await given();
    server.answerNext(400, {
      message: `no such model for ${apiKey}`,
      error: { message: `no such model for ${apiKey}` },
    });
    const failed = model.complete(request);
    await expect(failed).rejects.toEqual(failure(/no such model/));
    if (name === "Anthropic" || name === "OpenAI") await expect(failed).rejects.toThrow(/for \[secret\]/);
  });

  test("one that is not there is an error, and an abort is its reason", async () => {
    const { server, model } = await given();
    const reason = new Error("stopped");
    await expect(model.complete(request, AbortSignal.abort(reason))).rejects.toBe(reason);
    const arrived = server.hang();
    const controller = new AbortController();
    const open = expect(model.complete(request, controller.signal)).rejects.toBe(reason);
    await arrived;
    controller.abort(reason);
    await open;
    await server.close();
    await expect(model.complete(request)).rejects.toEqual(failure(/ECONNREFUSED/));
  });

  test("nothing goes over plain HTTP to another machine", async () => {
    const refused = expect.objectContaining({ code: "credentials-over-http" });
    await expect((async () => create("http://10.0.0.1:9").complete(request))()).rejects.toEqual(refused);
  });
});

test("a key that is missing is told before anything is sent", () => {
  expect(() => createOpenAiModel({ model: "m" })).toThrow(expect.objectContaining({ code: "credentials-missing" }));
});
