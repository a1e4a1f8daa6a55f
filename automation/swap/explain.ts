/** What decided, in sentences with the numbers. Every number of the evidence is said: what no sentence takes is listed. Pure. */
import type { Reason } from "./reasons.ts";
import type { SwapSettings } from "./settings.ts";

type Evidence = Readonly<Record<string, number | string | boolean>>;

/** Evidence that remembers what was said of it. */
class Facts {
  readonly #evidence: Evidence;
  readonly #said = new Set<string>();

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
  }

  has(...names: readonly string[]): boolean {
    return names.every((name) => this.#evidence[name] !== undefined);
  }

  /** In words; `unknown` where it is absent. */
  text(name: string): string {
    this.#said.add(name);
    return valueText(name, this.#evidence[name]);
  }

  number(name: string): number | undefined {
    this.#said.add(name);
    const value = this.#evidence[name];
    return typeof value === "number" ? value : undefined;
  }

  /** What no sentence took. */
  rest(): readonly string[] {
    return Object.entries(this.#evidence)
      .filter(([name, value]) => !this.#said.has(name) && value !== "")
      .map(([name, value]) => `${words(name)}: ${valueText(name, value)}`);
  }
}

/** `candidateInstanceAgeMs` is candidate instance age; a name with blanks stays. */
function words(name: string): string {
  return name.includes(" ")
    ? name
    : name
        .replace(/Ms$/, "")
        .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
        .toLowerCase();
}

function valueText(name: string, value: number | string | boolean | undefined): string {
  if (value === undefined) return "unknown";
  if (typeof value !== "number") return String(value);
  if (name === "fromMs" || name === "toMs") return new Date(value).toISOString();
  return name.endsWith("Ms") ? milliseconds(value) : value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

function milliseconds(value: number): string {
  if (value < 1_000) return `${Number(value.toPrecision(3))} ms`;
  if (value < 120_000) return `${Number((value / 1_000).toPrecision(3))} s`;
  return `${Number((value / 60_000).toPrecision(3))} min`;
}

function requests(count: number | undefined): string {
  return `${(count ?? 0).toLocaleString("en-US")} ${count === 1 ? "request" : "requests"}`;
}

function errors(count: number | undefined): string {
  return `${count ?? 0} ${count === 1 ? "error" : "errors"}`;
}

/** Risk as people count it. */
function inAThousand(alpha: number): string {
  return `which a healthy new side passes in at most ${Number((alpha * 1_000).toPrecision(3))} of 1,000 swaps`;
}

/** The sentences behind a decision; none where the reason says it all. */
export function explain(reason: Reason, evidence: Evidence, settings: SwapSettings): readonly string[] {
  const facts = new Facts(evidence);
  const lines = [...windowLines(facts), ...reasonLines(reason, facts, settings), ...latencyLines(facts)];
  for (const name of ["looks", "message"])
    if (facts.has(name)) lines.push(...[facts.text(name)].filter((text) => text !== "").map((text) => `${text}.`));
  if (facts.has("candidateInstanceAgeMs"))
    lines.push(`The new side's instance that answered last was ${facts.text("candidateInstanceAgeMs")} old.`);
  const rest = facts.rest();
  return rest.length === 0 ? lines : [...lines, `Further: ${rest.join("; ")}.`];
}

/** What a measurement of metrics from outside found, a line each. */
export function explainMeasurement(evidence: Evidence): readonly string[] {
  const metrics = Object.entries(evidence).filter(([name]) => name.startsWith("metric "));
  const facts = new Facts(Object.fromEntries(Object.entries(evidence).filter(([name]) => !name.startsWith("metric "))));
  const reason = facts.has("reason") ? facts.text("reason") : "judged";
  const score = facts.has("score")
    ? ` (score ${facts.text("score")}; ${facts.text("pass")} passes, below ${facts.text("marginal")} fails)`
    : "";
  const rest = facts.rest();
  return [
    `${reason}${score}.`,
    ...metrics.map(([name, value]) => `${name}: ${String(value)}.`),
    ...(rest.length === 0 ? [] : [`Further: ${rest.join("; ")}.`]),
  ];
}

function windowLines(facts: Facts): string[] {
  if (!facts.has("candidateRequests")) return [];
  const side = (name: string) =>
    `${requests(facts.number(`${name}Requests`))}, ${errors(facts.number(`${name}Errors`))}`;
  return [`In the window: old side ${side("old")}; new side ${side("candidate")}.`];
}

function latencyLines(facts: Facts): string[] {
  if (!facts.has("candidateMedianMs", "candidateP95Ms")) return [];
  const old = facts.has("oldMedianMs", "oldP95Ms")
    ? `; old side ${facts.text("oldMedianMs")} and ${facts.text("oldP95Ms")}`
    : "";
  return [
    `Time to the first byte, median and p95: new side ${facts.text("candidateMedianMs")} and ${facts.text("candidateP95Ms")}${old}.`,
  ];
}

function reasonLines(reason: Reason, facts: Facts, settings: SwapSettings): string[] {
  const { gates } = settings;
  switch (reason) {
    case "candidate-errors":
      return [
        `In the whole swap ${errors(facts.number("candidateErrorsInSwap"))} fell on the new side and ${facts.number("oldErrorsInSwap") ?? 0} on the old.`,
        `The evidence against the new side is ${facts.text("eValue")} to 1; the limit is ${facts.text("limit")} to 1, ${inAThousand(gates.errorAlpha)}.`,
      ];
    case "candidate-error-ceiling":
      facts.number("ceiling");
      return [
        `A failing share above ${settings.rollbackThreshold * 100} % is ${facts.text("ceilingValue")} times likelier than one at it; the limit is ${facts.text("ceilingLimit")}, ${inAThousand(gates.floorAlpha)}.`,
      ];
    case "candidate-gateway-errors":
      facts.number("inARowAtMost");
      return [
        `${facts.text("inARow")} requests in a row got no complete reply from the new side; the limit is ${gates.consecutiveGatewayErrors}.`,
      ];
    case "candidate-latency":
      return latencyReason(facts, settings);
    case "candidate-latency-ceiling":
      facts.number("performanceThresholdMs");
      facts.text("test");
      return [
        `More than ${shareText(facts.number("slowShareAllowed"))} of its answers took longer than ${milliseconds(settings.performanceThresholdMs)} (performance_threshold): that is ${facts.text("eValue")} times likelier than not; the limit is ${facts.text("limit")}, ${inAThousand(gates.latencyAlpha)}.`,
      ];
    case "metric-failed":
    case "metric-inconclusive":
    case "metric-unreadable":
      return [
        `In this step metrics from outside were judged ${facts.text("failed")} times as failed, ${facts.text("errors")} times unreadable, ${facts.text("inconclusive")} times inconclusive, ${facts.text("successful")} times successful.`,
      ];
    case "stateless-violation":
    case "compliance-unreadable":
      return facts.has("verdict")
        ? [
            `By the stateless rules what runs is ${facts.text("verdict")}${facts.has("findings") ? ` (${facts.text("findings")} findings)` : ""}.`,
          ]
        : [];
    case "silence":
      return [
        `No user request for ${facts.text("silentMs")}; from ${milliseconds(gates.silenceMs)} on (silence_after) that is silence.`,
      ];
    case "capacity-missing":
      return [
        `The step of ${facts.text("share")} % needs ${facts.text("needed")} instances of the new side; ${facts.text("ready")} were ready, and no more came in ${milliseconds(settings.stepDeadlineMs)}.`,
      ];
    case "approval-needed":
      return [`The step of ${facts.text("share")} % begins with swap promote (swap.approvals).`];
    case "engine-was-dead":
      return [
        `Nobody drove it for ${facts.text("deadMs")}; the policy of swap.dead_man is ${settings.deadMan.policy} after ${milliseconds(settings.deadMan.afterMs)}.`,
      ];
    case "weights-moved-elsewhere":
      return facts.has("found", "left")
        ? [`Found: ${facts.text("found")}; this swap had left: ${facts.text("left")}.`]
        : [];
    case "drain-timed-out":
      return facts.has("inFlight", "waitedMs")
        ? [`In flight after ${facts.text("waitedMs")}: ${facts.text("inFlight")}.`]
        : [];
    default:
      return [];
  }
}

function shareText(share: number | undefined): string {
  return share === undefined ? "the allowed share" : `${Number((share * 100).toPrecision(3))} %`;
}

/** Three tests look at latency; each has a part of the risk. */
function latencyReason(facts: Facts, { gates }: SwapSettings): string[] {
  facts.number("allowedRatio");
  facts.number("allowedSlackMs");
  const allowed = `${gates.latencyRatio} times the old side's and ${milliseconds(gates.latencySlackMs)} are allowed`;
  switch (facts.text("test")) {
    case "rank":
      return [
        `Windows of equal length, ranked: ${facts.text("candidateSample")} latencies of the new side against ${facts.text("oldSample")} of the old (window ${facts.text("window")}, ${facts.text("windowMs")}); ${allowed}.`,
        `By chance the new side would be that much slower with probability ${probability(facts.number("pValue"))}; the limit is ${probability(facts.number("level"))} (z ${facts.text("z")}), ${inAThousand(gates.latencyAlpha)}.`,
      ];
    case "tail":
      return [
        `Slower than the old side's quantile ${facts.text("oldQuantile")} (${facts.text("oldQuantileMs")}) were ${facts.text("candidateSlow")} answers of the new side and ${facts.text("oldSlow")} of the old; ${allowed}.`,
        `The evidence against the new side is ${facts.text("eValue")} to 1; the limit is ${facts.text("limit")} to 1, ${inAThousand(gates.latencyAlpha)}.`,
      ];
    default:
      return [`For a latency of the new side ${allowed}.`];
  }
}

function probability(value: number | undefined): string {
  return value === undefined ? "unknown" : String(Number(value.toPrecision(3)));
}
