/** What an upgrade is judged by: the known signals, what settings change of them, and further ones. Pure. */
import { SwitchyardError } from "../../errors.ts";
import { nearestName } from "../../nearest.ts";
import type { GuardConfig } from "../settings.ts";
import { type Known, knownSignalNames, knownSignals } from "./known-signals.ts";
import { defaultQueries, type MetricLanguage } from "./queries.ts";

export interface Signal extends Known {
  readonly name: string;
  /** With its placeholders; undefined when the source cannot answer it, and `unusable` says why. */
  readonly query: string | undefined;
  readonly unusable?: string;
  /** Missing makes a verdict undecided. */
  readonly required: boolean;
  readonly threshold?: number;
  readonly relative?: number;
}

const distribution = "istio.mesh.request.duration.milliseconds";

/** Datadog has quantiles only of distributions; from buckets that are sent as counts it has means alone. */
function missingQuantiles(language: MetricLanguage, query: string, names: readonly string[] | undefined): boolean {
  return language === "datadog" && query.includes(distribution) && names !== undefined && !names.includes(distribution);
}

type Settings = GuardConfig["metrics"];

const queriesOf = (settings: Settings, language: MetricLanguage) => settings[language]?.queries ?? {};

/**
 * All signals of the configured source, known ones first; none without a source. `names`: metrics that exist, where the source can tell. Errors: invalid-config (a further
 * signal whose name is nearly a known one, and that nothing judges).
 */
export function signalsOf(settings: Settings, names?: readonly string[]): readonly Signal[] {
  const { source } = settings;
  if (source === undefined) return [];
  const given = queriesOf(settings, source);
  const known = knownSignalNames.map((name): Signal => {
    const own = ownQuery(given[name]);
    const query = own.query ?? defaultQueries[source][name];
    const base = { ...knownSignals[name], name, required: own.required, ...limitsOf(own) };
    if (query === undefined)
      return {
        ...base,
        query,
        unusable: `${source} has no query for it by default: set metrics.${source}.queries.${name}`,
      };
    if (own.query === undefined && missingQuantiles(source, query, names))
      return {
        ...base,
        query: undefined,
        unusable: `Datadog has only means of ${distribution}: send its buckets as distributions (histogram_buckets_as_distributions), or set metrics.datadog.queries.${name}`,
      };
    return { ...base, query };
  });
  const further = Object.keys(given).filter((name) => !(name in knownSignals));
  return [
    ...known,
    ...further.map((name): Signal => {
      const own = ownQuery(given[name]);
      const limits = limitsOf(own);
      const near = nearestName(name, knownSignalNames);
      if (Object.keys(limits).length === 0 && near !== undefined)
        throw new SwitchyardError("invalid-config", {
          message: `metrics.${source}.queries.${name} is no known signal and has no limit, so nothing would be judged by it; did you mean ${near}?`,
          next: "Correct the name, or give it a threshold or relative.",
        });
      const judged = Object.keys(limits).length > 0;
      return {
        ...{ name, kind: "custom", gate: "b", perService: false, sparse: false, unit: "" },
        query: own.query,
        required: judged && own.required,
        ...limits,
      };
    }),
  ];
}

interface OwnQuery {
  readonly query?: string;
  readonly required: boolean;
  readonly threshold?: number | undefined;
  readonly relative?: number | undefined;
}

function ownQuery(given: string | (OwnQuery & { readonly query: string }) | undefined): OwnQuery {
  if (given === undefined) return { required: true };
  return typeof given === "string" ? { query: given, required: true } : given;
}

const limitsOf = ({ threshold, relative }: OwnQuery) => ({
  ...(threshold === undefined ? {} : { threshold }),
  ...(relative === undefined ? {} : { relative }),
});
