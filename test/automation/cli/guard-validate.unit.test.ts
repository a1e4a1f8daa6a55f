import { describe, expect, it } from "vitest";
import { type Surroundings, validateConnections } from "../../../automation/cli/guard-validate.ts";
import { createFleet } from "../../../automation/drill/guard/fleet.ts";
import { type ErrorCode, SwitchyardError } from "../../../automation/errors.ts";
import { planDigest } from "../../../automation/guard/plan/digest.ts";
import { createRegistry } from "../../../automation/guard/registry/registry.ts";
import { guardConfig } from "../../../automation/guard/settings.ts";

const fails = (code: ErrorCode) => async (): Promise<never> => {
  throw new SwitchyardError(code, { message: "it is down" });
};

interface Broken extends Omit<Partial<Surroundings>, "parts"> {
  readonly parts?: Partial<Surroundings["parts"]>;
  readonly probe?: Surroundings["parts"]["clusters"]["probe"];
}

const ready: Surroundings["parts"]["clusters"]["probe"] = async () => [
  { connection: "kubernetes", works: true, line: "ready" },
];

/** Every line of a fleet of two clusters in one repository, where some things are not as they should be. */
async function linesOf({ probe, parts: given, ...rest }: Broken = {}, config: object = {}) {
  const fleet = await createFleet({
    clusters: 2,
    waves: 1,
    now: Date.parse("2026-12-01T10:00:00Z"),
    istio: "1.30.5",
    kubernetes: "1.33",
    digest: planDigest,
  });
  const { metrics, host, clusters } = fleet.ports;
  if (metrics === undefined) throw new Error("the fleet has metrics");
  const parts: Surroundings["parts"] = {
    clusters: { ...clusters, probe: probe ?? ready },
    artifacts: { look: async () => ({ kind: "found" }) },
    languageModel: undefined,
    host: async () => host,
    measured: async () => ({
      metrics,
      monitors: { description: "monitors", inScope: async () => [] },
      close: async () => {},
    }),
    checks: [],
    ...given,
  };
  const surroundings: Surroundings = {
    store: async () => fleet.store,
    registry: async () => createRegistry(fleet.store),
    notifiers: async () => ({}),
    eventBus: async () => undefined,
    secret: async () => "a-token-of-some-length",
    ...rest,
    parts,
  };
  const { connections } = await fleet.clock.run(() =>
    validateConnections(surroundings, guardConfig.parse(config), undefined, new AbortController().signal),
  );
  return Object.fromEntries(connections.map(({ name, works, line }) => [name, works ? "works" : line]));
}

const charts = "charts of https://blob.istio.io/istio-release/charts";
const images = "images of docker.io/istio";
const all = ["table", "GitLab", "repository mesh/wave-01", charts, images, "metrics", "monitors", "listen"];
const clusters = ["c-001 kubernetes", "c-002 kubernetes"];
const everything = Object.fromEntries([...all, ...clusters].map((name) => [name, "works"]));

describe("every connection is tried for itself", () => {
  it("all work", async () => {
    expect(await linesOf()).toEqual(everything);
  });

  it("a token of GitLab that is missing hides nothing else", async () => {
    const { [charts]: _charts, [images]: _images, ...rest } = everything;
    expect(await linesOf({ parts: { host: fails("credentials-missing") } })).toEqual({
      ...rest,
      GitLab: "credentials-missing: it is down",
      "repository mesh/wave-01": expect.stringContaining("not tried"),
    });
  });

  it("a check by module that cannot be loaded is one line", async () => {
    const good = {
      name: "good#default",
      load: async () => ({ name: "good#default", options: {}, run: async () => 1 }),
    };
    const checks = [{ name: "bad#default", load: fails("module-unusable") }, good];
    expect(await linesOf({ parts: { checks } })).toEqual({
      ...everything,
      "check bad#default": "module-unusable: it is down",
      "check good#default": "works",
    });
  });

  it("a table that does not answer leaves what needs no cluster", async () => {
    expect(await linesOf({ store: fails("state-unreachable") })).toEqual({
      table: "state-unreachable: it is down",
      GitLab: "works",
      metrics: "works",
      listen: "works",
    });
  });

  it("metrics without credentials, and monitors that refuse", async () => {
    const { monitors: _monitors, ...rest } = everything;
    expect(await linesOf({ parts: { measured: fails("credentials-missing") } })).toEqual({
      ...rest,
      metrics: "credentials-missing: it is down",
    });
  });

  it("a cluster that refuses", async () => {
    const probe = async ({ clusterId }: { clusterId: string }) => [
      { connection: "kubernetes", works: clusterId !== "c-001", line: "refused" } as const,
    ];
    expect(await linesOf({ probe })).toEqual({ ...everything, "c-001 kubernetes": "refused" });
  });

  it("a source that has no chart of what runs, and one that is down", async () => {
    const look: Surroundings["parts"]["artifacts"]["look"] = async ({ kind, name }) =>
      kind === "image"
        ? { kind: "unknown", why: "no answer" }
        : name === "base"
          ? { kind: "missing", why: "its index has no chart base" }
          : { kind: "found" };
    expect(await linesOf({ parts: { artifacts: { look } } })).toEqual({
      ...everything,
      [charts]: "base 1.30.5: it is missing: its index has no chart base",
      [images]: expect.stringContaining("pilot 1.30.5: not known: no answer"),
    });
  });

  it("a language model that does not answer, an event bus, and a token of hooks that is too short", async () => {
    const languageModel = { description: "small of ollama", complete: fails("language-model-failed") };
    const bus = { description: "EventBridge bus fleet", publish: async () => expect.unreachable() };
    const given = { event_bus: { name: "fleet" }, llm: { enabled: true } };
    const found = await linesOf(
      { parts: { languageModel }, eventBus: async () => bus, secret: async () => "short" },
      given,
    );
    expect(found).toEqual({
      ...everything,
      "language model": "language-model-failed: it is down",
      "event bus": "works",
      listen: "invalid-config: the token for hooks has less than 16 characters",
    });
    expect(await linesOf({ secret: fails("credentials-missing") })).toEqual(everything);
    expect(await linesOf({ secret: fails("credentials-missing") }, { listen: { token_from: "OTHER_TOKEN" } })).toEqual({
      ...everything,
      listen: "credentials-missing: it is down",
    });
  });
});
