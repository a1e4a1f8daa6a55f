import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AnalysisInput,
  analyse,
  analysisPrompt,
  readAnalysis,
} from "../../../../automation/guard/bundle/analysis.ts";
import { createRedaction } from "../../../../automation/guard/bundle/redaction.ts";

const input: AnalysisInput = {
  hop: { from: "1.30.5", to: "1.31.1", strategy: "in-place" },
  validation: undefined,
  events: ["Warning Unhealthy Pod/payments-7f: probe failed to 10.1.2.3"],
  istiodLogs: ["error in prod-eu-1 for payments.shop: token=abc123def", "authorization: Bearer abcdefgh12345678"],
  findings: ["G16 payments has no budget"],
  names: { cluster: ["prod-eu-1", "prod-eu"], service: ["payments"], namespace: ["shop"] },
};
const report = {
  summary: "<service-1> of <cluster-1> does not answer",
  likely_cause: "its probe fails",
  confidence: "low",
  evidence: ["probe failed to <ip-1>"],
  next_steps: ["look at <service-1>"],
};
const failure = expect.objectContaining({ code: "language-model-failed" });
const same = (text: string): string => text;

describe("redaction", () => {
  test.each([
    "glpat-abcdefgh12345678",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----",
  ])("takes out %s", (secret) => {
    expect(createRedaction({}).redact(`before ${secret} after`)).toBe("before <secret> after");
  });

  test.each([
    ["password: hunter22", "hunter22"],
    ['"api_key":"abcdef"', "abcdef"],
    ["DB_PASSWORD=pa55word&x=1", "pa55word"],
    ["https://user:pa55@host/x", "pa55"],
    ["Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"],
  ])("takes out the value of %s", (text, secret) => {
    expect(createRedaction({}).redact(text)).not.toContain(secret);
  });

  test("a name has one placeholder in all texts; a long one goes before its part, and a part of a word stays", () => {
    const { redact } = createRedaction(input.names);
    expect(redact("prod-eu-1 and prod-eu, payments, repayments")).toBe(
      "<cluster-1> and <cluster-2>, <service-1>, repayments",
    );
    expect(redact("payments again from 10.1.2.3")).toBe("<service-1> again from <ip-1>");
  });

  test("what was replaced comes back as it was", () => {
    // None that looks like a key ("sk-…"): that is a secret, and never comes back.
    const name = fc.stringMatching(/^eu[a-z0-9-]{2,12}[a-z0-9]$/);
    fc.assert(
      fc.property(
        fc.array(name, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(5), { maxLength: 12 }),
        (names, picks) => {
          const { redact, restore } = createRedaction({ name: names });
          const text = picks.map((pick) => names[pick % names.length]).join(" / ");
          expect(restore(redact(text))).toBe(text);
          for (const one of names) expect(redact(text).split(" / ")).not.toContain(one);
        },
      ),
    );
  });
});

describe("analysis", () => {
  test("what is sent holds no secret and no name", () => {
    const { prompt } = analysisPrompt(input);
    for (const hidden of ["prod-eu", "payments", "shop", "abc123def", "abcdefgh12345678", "10.1.2.3"])
      expect(prompt).not.toContain(hidden);
    expect(prompt).toContain("Istio 1.30.5 to 1.31.1");
  });

  test("the newest lines are kept", () => {
    const { prompt } = analysisPrompt({
      ...input,
      istiodLogs: Array.from({ length: 500 }, (_, index) => `line ${index}.`),
    });
    expect(prompt).toContain("line 499.");
    expect(prompt).not.toContain("line 299.");
    expect(prompt).toContain("(200 of 500)");
  });

  test("a report comes back with its names", async () => {
    const model = { description: "m", complete: async () => `\`\`\`json\n${JSON.stringify(report)}\n\`\`\`` };
    expect(await analyse(model, input, 100)).toEqual({
      summary: "payments of prod-eu-1 does not answer",
      likely_cause: "its probe fails",
      confidence: "low",
      evidence: ["probe failed to 10.1.2.3"],
      next_steps: ["look at payments"],
    });
  });

  test.each([
    ["", /no JSON/],
    [`Here it is: ${JSON.stringify(report)}`, /no JSON/],
    [JSON.stringify({ ...report, confidence: "certain" }), /confidence/],
    [JSON.stringify({ ...report, next_steps: [] }), /next_steps/],
    [JSON.stringify({ ...report, command: "kubectl delete" }), /command/],
  ])("what does not fit is an error and no guess: %s", (answer, words) => {
    expect(() => readAnalysis(answer, same)).toThrow(failure);
    expect(() => readAnalysis(answer, same)).toThrow(words);
  });
});
