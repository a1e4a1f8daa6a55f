import { GoogleError } from "./google-error.ts";

/** What an entry has at a path: text, or for a time its microseconds since the epoch; undefined where it has nothing. */
export type FieldReader = (path: string) => string | number | undefined;
export type LogFilter = (field: FieldReader) => boolean;

const timeFields: ReadonlySet<string> = new Set(["timestamp", "receiveTimestamp"]);

const token = /\s*(?:(AND|NOT)\b|(-)|([A-Za-z@][\w.@]*)\s*(!=|>=|<=|=|>|<|:)\s*("(?:[^"\\]|\\.)*"|[\w./:+-]+))/y;

/**
 * Cloud Logging's query language as far as a feed of requests needs it: comparisons joined by AND or nothing, NOT or a
 * minus before any of them. Errors: GoogleError 400 INVALID_ARGUMENT for all else, which the real service has too.
 */
export function parseLogFilter(text: string): LogFilter {
  const tests: LogFilter[] = [];
  // Of many entries most are too old, and numbers are compared sooner than texts.
  const timeTests: LogFilter[] = [];
  let negated = false;
  let wanting = false;
  token.lastIndex = 0;
  while (text.slice(token.lastIndex).trim() !== "") {
    const from = token.lastIndex;
    const found = token.exec(text);
    if (found === null) throw unparseable(text, from);
    const [, word, minus, path = "", operator = "", value = ""] = found;
    if (word === "AND") {
      if (wanting || tests.length + timeTests.length === 0) throw unparseable(text, from);
      wanting = true;
    } else if (word === "NOT" || minus !== undefined) {
      if (negated) throw unparseable(text, from);
      negated = true;
    } else {
      const test = comparison(path, operator, value.startsWith('"') ? unquote(value, text, from) : value);
      const inverted = negated;
      (timeFields.has(path) ? timeTests : tests).push((field) => test(field) !== inverted);
      negated = false;
      wanting = false;
    }
  }
  if (negated || wanting) throw unparseable(text, text.length);
  return (field) => timeTests.every((test) => test(field)) && tests.every((test) => test(field));
}

function comparison(path: string, operator: string, wanted: string): LogFilter {
  if (timeFields.has(path)) {
    const micros = microsOfTime(wanted);
    if (micros === undefined) {
      throw invalidArgument(`Unparseable filter: the value "${wanted}" of ${path} is not a time in RFC 3339 form.`);
    }
    return (field) => {
      const value = field(path);
      return typeof value === "number" && ordered(value - micros, operator);
    };
  }
  const text = wanted.toLowerCase();
  return (field) => {
    const value = field(path);
    return value !== undefined && compareTexts(String(value).toLowerCase(), operator, text);
  };
}

function compareTexts(value: string, operator: string, wanted: string): boolean {
  if (operator === ":") return value.includes(wanted);
  const [left, right] = [Number(value), Number(wanted)];
  const numeric = value !== "" && Number.isFinite(left) && Number.isFinite(right);
  if (numeric) return ordered(left - right, operator);
  return ordered(value < wanted ? -1 : value > wanted ? 1 : 0, operator);
}

function ordered(difference: number, operator: string): boolean {
  switch (operator) {
    case "=":
      return difference === 0;
    case "!=":
      return difference !== 0;
    case ">":
      return difference > 0;
    case ">=":
      return difference >= 0;
    case "<":
      return difference < 0;
    case "<=":
      return difference <= 0;
    default:
      return false;
  }
}

const timeForm = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z$/;

/** Microseconds since the epoch of an RFC 3339 time in UTC, cut; undefined when it is none. */
function microsOfTime(text: string): number | undefined {
  const [, seconds, fraction = ""] = timeForm.exec(text) ?? [];
  const base = seconds === undefined ? Number.NaN : Date.parse(`${seconds}Z`);
  return Number.isNaN(base) ? undefined : base * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}

function unquote(value: string, text: string, at: number): string {
  try {
    return String(JSON.parse(value));
  } catch (error) {
    if (error instanceof SyntaxError) throw unparseable(text, at);
    throw error;
  }
}

function unparseable(text: string, at: number): GoogleError {
  return invalidArgument(
    `Unparseable filter: syntax error at column ${at + 1}, token '${text.slice(at).trim().slice(0, 30)}' (the local cloud reads comparisons joined by AND, with NOT or - before them)`,
  );
}

export function invalidArgument(message: string): GoogleError {
  return new GoogleError(400, "INVALID_ARGUMENT", message);
}
