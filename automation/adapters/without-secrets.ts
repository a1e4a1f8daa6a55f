/** Pure: what comes from outside, an answer or a library's error, without the credentials in use, which either may repeat. */

const replacement = "[secret]";

/** Shorter parts of an address would be found in ordinary words. */
const shortestQueryValue = 6;
const shortestPathPart = 16;

/** With `[secret]` in place of each of them, also where it is encoded for a URL, for JSON or in base64. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return formsOf(secrets).reduce((all, form) => all.replaceAll(form, replacement), text);
}

/** A value of a JSON text, its names and texts without them. */
export function valueWithoutSecrets(value: unknown, secrets: readonly string[]): unknown {
  const forms = formsOf(secrets);
  const text = JSON.stringify(value) ?? "";
  return forms.some((form) => text.includes(form)) ? cleaned(value, secrets) : value;
}

/** The same error where it holds none of them; else one of that name whose message, stack and causes are without. */
export function errorWithoutSecrets(error: Error, secrets: readonly string[]): Error;
export function errorWithoutSecrets(error: unknown, secrets: readonly string[]): unknown;
export function errorWithoutSecrets(error: unknown, secrets: readonly string[]): unknown {
  if (!(error instanceof Error)) return typeof error === "string" ? withoutSecrets(error, secrets) : error;
  const message = withoutSecrets(error.message, secrets);
  const stack = error.stack === undefined ? undefined : withoutSecrets(error.stack, secrets);
  const cause = errorWithoutSecrets(error.cause, secrets);
  if (message === error.message && stack === error.stack && cause === error.cause) return error;
  const clean = new Error(message, { cause });
  clean.name = error.name;
  if (stack !== undefined) clean.stack = stack;
  return clean;
}

/** What of an address lets its holder in: name and password, path and query, and those parts of them that are long. */
export function secretsOfUrl(url: URL): readonly string[] {
  const { pathname, search, searchParams } = url;
  return [
    ...secretsOfLogin(url),
    ...[`${pathname}${search}`, pathname, search].filter((text) => text.length > 1),
    ...[...searchParams.values()].filter((text) => text.length >= shortestQueryValue),
    ...pathname.split("/").filter((text) => text.length >= shortestPathPart),
  ];
}

/** Of an address whose path is no secret. */
export function secretsOfLogin({ username, password }: URL): readonly string[] {
  return password === "" ? [] : [`${username}:${password}`, password];
}

function cleaned(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === "string") return withoutSecrets(value, secrets);
  if (Array.isArray(value)) return value.map((one) => cleaned(one, secrets));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [withoutSecrets(name, secrets), cleaned(one, secrets)]),
  );
}

/** Long ones first: a short one may be a part of them. */
function formsOf(secrets: readonly string[]): readonly string[] {
  // `Bearer X`: a server may repeat X alone.
  const words = secrets.flatMap((secret) => [secret, ...secret.split(" ").slice(1)]).filter((word) => word !== "");
  const forms = words.flatMap((word) => [
    word,
    JSON.stringify(word).slice(1, -1),
    encodeURIComponent(word.toWellFormed()),
    Buffer.from(word).toString("base64").replaceAll("=", ""),
  ]);
  return [...new Set(forms)].filter((form) => form !== "").toSorted((one, other) => other.length - one.length);
}
