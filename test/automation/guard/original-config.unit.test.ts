import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../../automation/cli/config-file.ts";
import { importConfig } from "../../../automation/cli/guard-config-import.ts";
import { mapOriginalConfig } from "../../../automation/guard/original-config.ts";

/** Every key that the original knows. */
const original = {
  aws: {
    region: "eu-central-1",
    profile: "ops",
    dynamodb: { table_name: "guard-cluster-registry", region: "eu-central-1" },
    secrets_manager: { gitlab_token_secret: "guard/gitlab", datadog_credentials_secret: "guard/datadog" },
  },
  gitlab: { url: "https://gitlab.example.com", default_target_branch: "trunk", mr_template: "## {version}" },
  datadog: {
    site: "datadoghq.eu",
    queries: {
      custom_metric: "avg:custom.metric{cluster:{cluster_name}}",
      control_plane_errors: "sum:istio.pilot.xds.push.errors{cluster:{cluster_name}}",
      latency_p95: "avg:trace.http.request.duration.by.service.95p{env:{environment}}",
    },
  },
  execution: { max_parallel_clusters: 3, mr_strategy: "per-cluster", enable_rollout_sequencing: false },
  rate_limits: { gitlab_api: 200, datadog_api: 100, aws_api: 50 },
  validation: {
    soak_period_minutes: 90,
    flux_sync_timeout_minutes: 20,
    thresholds: { latency_increase_percent: 12, error_rate_max: 0.002, resource_increase_percent: 40 },
  },
  rollback: {
    auto_create_mr: true,
    require_manual_approval: false,
    notification: {
      enabled: true,
      webhook_url: "https://example.com/marker-of-a-secret",
      webhook_secret_name: "guard/slack",
      pagerduty_secret_name: "guard/pagerduty",
    },
  },
  llm: { enabled: false, provider: "openai", model: "gpt-4", api_key_secret: "guard/llm" },
  batches: [{ name: "test", description: "d", clusters: ["a"] }],
  batch_order: { "prod-wave-1": ["staging"], staging: ["test"] },
  logging: { level: "INFO", format: "json", output: "stdout" },
};

describe("the original tool's configuration", () => {
  const { section, warnings } = mapOriginalConfig(original);

  it("is taken over where it means the same", () => {
    expect(section).toEqual({
      aws: { region: "eu-central-1" },
      gitlab: {
        url: "https://gitlab.example.com",
        token_from: "secrets-manager:guard/gitlab",
        default_target_branch: "trunk",
      },
      metrics: {
        source: "datadog",
        datadog: {
          site: "datadoghq.eu",
          api_key_from: "secrets-manager:guard/datadog#api_key",
          app_key_from: "secrets-manager:guard/datadog#app_key",
          queries: { custom_metric: "avg:custom.metric{cluster:{cluster_name}}" },
        },
      },
      execution: { max_parallel_clusters: 3, mr_strategy: "per-cluster" },
      rate_limits: { gitlab_api: 200, datadog_api: 100, aws_api: 50 },
      validation: {
        soak_period_minutes: 90,
        flux_sync_timeout_minutes: 20,
        thresholds: {
          latency_p95_increase: 0.12,
          error_rate_max: 0.002,
          proxy_resource_increase: 0.4,
          istiod_resource_increase: 0.4,
        },
      },
      notifications: {
        targets: [
          { name: "team", kind: "slack", url_from: "secrets-manager:guard/slack" },
          { name: "on-call", kind: "pagerduty", routing_key_from: "secrets-manager:guard/pagerduty" },
        ],
      },
      llm: { enabled: false, provider: "openai", model: "gpt-4", api_key_from: "secrets-manager:guard/llm" },
      batch_order: { "prod-wave-1": ["staging"], staging: ["test"] },
    });
  });

  it("is warned of where it means something else, or nothing, without a value that may be a secret", () => {
    expect(warnings.map((warning) => warning.slice(0, warning.indexOf(":")))).toEqual([
      "aws.profile",
      "aws.dynamodb.table_name",
      "aws.dynamodb.region",
      "gitlab.mr_template",
      "datadog.queries.control_plane_errors",
      "datadog.queries.latency_p95",
      "execution.enable_rollout_sequencing",
      "rollback.require_manual_approval",
      "rollback.notification.webhook_url",
      "rollback.notification.webhook_secret_name",
      "batches",
      "logging.level",
      "logging.format",
      "logging.output",
    ]);
    expect(warnings.join()).not.toContain("marker-of-a-secret");
    expect(JSON.stringify(section)).not.toContain("marker-of-a-secret");
  });

  it("says of a key that nobody knows which one is near", () => {
    const mapped = mapOriginalConfig({ aws: { regoin: "x" }, gitlab: { url: "https://x" }, constructor: 1 });
    expect(mapped.warnings).toEqual([
      "aws.regoin: means nothing here; did you mean aws.region?",
      "constructor: means nothing here",
    ]);
    expect(mapped.section).toEqual({ gitlab: { url: "https://x" } });
  });

  it("that is empty has nothing to take over, and what is no object is refused", () => {
    expect(mapOriginalConfig({ aws: null, logging: {} })).toEqual({ section: {}, warnings: [] });
    for (const value of [[], "x", null]) expect(() => mapOriginalConfig(value)).toThrow(TypeError);
  });
});

describe("the section that is printed", () => {
  it("is one that switchyard.yaml takes, with the same values", () => {
    const { text } = importConfig("config.yaml", JSON.stringify(original));
    const { guard } = parseConfig(`${text}environments: {local: {cloud: local}}\n`);
    expect(guard).toMatchObject(mapOriginalConfig(original).section);
    expect(parse(text)).toEqual({ guard: mapOriginalConfig(original).section });
  });

  it("has every problem told in the words of the new file", () => {
    const wrong = { gitlab: { url: "gitlab" }, validation: { soak_period_minutes: -1 }, llm: { provider: "own" } };
    expect(() => importConfig("config.yaml", JSON.stringify(wrong))).toThrow(
      expect.objectContaining({
        code: "guard-input-invalid",
        message: expect.stringMatching(
          /^config\.yaml, as the section guard, has 3 problems:\n.*guard\.gitlab\.url: .*\n.*soak_period_minutes: -1.*\n.*provider/,
        ),
      }),
    );
    expect(() => importConfig("config.yaml", "a: [")).toThrow(expect.objectContaining({ code: "guard-input-invalid" }));
    expect(() => importConfig("config.yaml", "- a")).toThrow(expect.objectContaining({ code: "guard-input-invalid" }));
  });

  it("has a secret in clear refused without repeating it", () => {
    const text = `datadog: {queries: {x: "glpat-${"m".repeat(20)}"}}`;
    expect(() => importConfig("config.yaml", text)).toThrow(expect.objectContaining({ code: "literal-secret" }));
    expect(() => importConfig("config.yaml", text)).not.toThrow(/mmmm/);
  });
});
