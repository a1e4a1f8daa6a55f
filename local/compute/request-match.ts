import type { RouteRequest } from "../router/routing-table.ts";
import type { HeaderMatch, MatchRule } from "./url-map-schema.ts";

export type RequestMatcher = (request: RouteRequest) => boolean;

/** Any of the rules, each with all of its conditions; no rule matches everything. */
export function matcherOf(rules: readonly MatchRule[]): RequestMatcher {
  if (rules.length === 0) return () => true;
  const compiled = rules.map(compileRule);
  return (request) => compiled.some((matches) => matches(request));
}

function compileRule(rule: MatchRule): RequestMatcher {
  const conditions: RequestMatcher[] = [];
  const fold = (text: string): string => (rule.ignoreCase === true ? text.toLowerCase() : text);
  if (rule.prefixMatch !== undefined && rule.prefixMatch !== "/") {
    const prefix = fold(rule.prefixMatch);
    conditions.push((request) => fold(pathOf(request)).startsWith(prefix));
  }
  if (rule.fullPathMatch !== undefined) {
    const path = fold(rule.fullPathMatch);
    conditions.push((request) => fold(pathOf(request)) === path);
  }
  for (const match of rule.headerMatches ?? []) conditions.push(headerCondition(match));
  for (const { name, exactMatch } of rule.queryParameterMatches ?? []) {
    conditions.push((request) => {
      const at = request.path.indexOf("?");
      const values = at < 0 ? [] : new URLSearchParams(request.path.slice(at)).getAll(name);
      return exactMatch === undefined ? values.length > 0 : values[0] === exactMatch;
    });
  }
  return (request) => conditions.every((condition) => condition(request));
}

function headerCondition(match: HeaderMatch): RequestMatcher {
  const name = match.headerName.toLowerCase();
  const test = valueTest(match);
  const inverted = match.invertMatch === true;
  return (request) => {
    const value = request.headers[name];
    const text = Array.isArray(value) ? value.join(",") : value;
    return test(text) !== inverted;
  };
}

function valueTest(match: HeaderMatch): (value: string | undefined) => boolean {
  const { exactMatch, prefixMatch, suffixMatch, presentMatch } = match;
  if (exactMatch !== undefined) return (value) => value === exactMatch;
  if (prefixMatch !== undefined) return (value) => value?.startsWith(prefixMatch) ?? false;
  if (suffixMatch !== undefined) return (value) => value?.endsWith(suffixMatch) ?? false;
  return (value) => (value !== undefined) === (presentMatch ?? true);
}

function pathOf(request: RouteRequest): string {
  const at = request.path.indexOf("?");
  return at < 0 ? request.path : request.path.slice(0, at);
}
