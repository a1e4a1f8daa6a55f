/** Parts of guard's wiring that configuration and environment switch on. */
import { describe, expect, it } from "vitest";
import { openLanguageModel } from "../../../automation/cli/compose-guard-llm.ts";
import { openTelemetry } from "../../../automation/cli/compose-guard-telemetry.ts";
import { guardConfig } from "../../../automation/guard/settings.ts";
import { noTelemetry } from "../../../automation/ports/telemetry.ts";

const places = {
  root: "/nowhere",
  secret: async (reference: string): Promise<string> => {
    throw new Error(`${reference} was read`);
  },
};
const request = { system: "s", prompt: "p", maxTokens: 100 };

describe("the language model", () => {
  it("is none by default", () => {
    expect(openLanguageModel(guardConfig.parse({}), places)).toBeUndefined();
  });

  it.each([
    ["anthropic", {}, "invalid-config", "guard.llm.model is needed for provider: anthropic"],
    ["module", {}, "invalid-config", "guard.llm.custom is needed for provider: module"],
    ["openai", { model: "m" }, "credentials-missing", "OpenAI needs a key, and llm.api_key_from names none"],
    ["ollama", { model: "m", endpoint: "http://example.com" }, "credentials-over-http", /plain HTTP$/],
  ] as const)(
    "of %s with %j stops nothing before it is asked, and then says what is wrong",
    async (provider, llm, code, message) => {
      const model = openLanguageModel(guardConfig.parse({ llm: { enabled: true, provider, ...llm } }), places);
      await expect(model?.complete(request)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    },
  );
});

describe("telemetry", () => {
  it.each([{}, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318", OTEL_SDK_DISABLED: "true" }])(
    "is none with %j",
    async (env) => {
      expect(await openTelemetry(env, "0.0.0", () => expect.unreachable())).toBe(noTelemetry);
    },
  );

  it("with an address that is none is a warning", async () => {
    const warnings: string[] = [];
    const opened = await openTelemetry(
      { OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere" },
      "0.0.0",
      (text) => void warnings.push(text),
    );
    expect(opened).toBe(noTelemetry);
    expect(warnings).toHaveLength(1);
  });

  it("with an address is on, and ends in bounded time though nobody listens", async () => {
    const opened = await openTelemetry({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" }, "0.0.0", () =>
      expect.unreachable(),
    );
    expect(opened.enabled).toBe(true);
    opened.count({ name: "n", description: "d", unit: "{x}" }, {});
    expect(await opened.close()).toMatch(/127\.0\.0\.1:9/);
  });
});
