/** What is written down or sent away, without what lets somebody in. Pure. */
import { z } from "zod";

export const redacted = "[redacted]";

/** Names whose values are secrets. Names of secrets (`secretName`, `tokenRef`) are none. */
const secretName =
  /(?:^|[^a-z])(?:pass(?:word|wd|phrase)?|secret|token|authorization|api[-_]?key|app[-_]?key|access[-_]?key|private[-_]?key|credentials?|cookie|session[-_]?id|signature)$/i;

/** camelCase and dashes come apart, so that `clientSecret` and `X-Vault-Token` end in the word. */
function isSecretName(name: string): boolean {
  const apart = name.replace(/([a-z\d])([A-Z])/g, "$1_$2");
  return secretName.test(apart) && !/(?:name|ref|key[-_]?id)$/i.test(apart);
}

const word =
  "pass(?:word|wd|phrase)?|secret|token|api[-_]?key|app[-_]?key|access[-_]?key|private[-_]?key|credentials?|sig(?:nature)?";
const camelWord = "Pass(?:word|phrase)|Secret|Token|ApiKey|AppKey|AccessKey|PrivateKey|Credentials?";
/** After a name: in JSON, in JSON within a text, in YAML, in a query. */
const is = String.raw`\\*["']?\s*[:=]\s*`;
const value = String.raw`(?:"(?:[^"\\]|\\.)*"?|\\+"[^"]*"?|'[^']*'?|[^\s"',;&}\\]+)`;

/** Shapes of secrets in text, and what stays of them. The order counts: whole blocks first. */
const shapes: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // Also one that was cut off at its end or beginning.
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, redacted],
  [
    /\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?)(?:(?:bearer|basic|negotiate|digest|aws4-hmac-sha256)\s+)?[^\s"',;}][^\r\n"']*/gi,
    `$1${redacted}`,
  ],
  [/\b((?:set-)?cookie["']?\s*[:=]\s*["']?)[^\r\n"']+/gi, `$1${redacted}`],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${redacted}`],
  [/\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?/g, redacted],
  [/\bk8s-aws-v1\.[A-Za-z0-9_-]+/g, redacted],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, redacted],
  [/\b(?:glpat|gldt|glrt|glcbt|glptt)-[\w.-]{10,}/g, redacted],
  [/\b(?:gh[pousr]_|github_pat_)\w{10,}/g, redacted],
  [/\bxox[a-z]-[\w-]{8,}/g, redacted],
  [/\bsk-[\w-]{16,}/g, redacted],
  [/\bAIza[\w-]{30,}/g, redacted],
  [/hooks\.slack\.com\/services\/[\w/]+/g, `hooks.slack.com/services/${redacted}`],
  [/(\b[a-z][a-z\d+.-]*:\/\/)[^\s/@:"']*:[^\s/@"']+@/gi, `$1${redacted}@`],
  [new RegExp(String.raw`\b((?:[\w-]*[_-])?(?:${word})${is})${value}`, "gi"), `$1${redacted}`],
  [new RegExp(String.raw`\b([a-z][A-Za-z0-9]*(?:${camelWord})${is})${value}`, "g"), `$1${redacted}`],
];

export const redactText = (text: string): string =>
  shapes.reduce((all, [pattern, replacement]) => all.replace(pattern, replacement), text);

const variable = z.looseObject({ name: z.string(), value: z.string() });

/** A JSON value; data of Kubernetes' Secrets, variables and fields with a telling name go, texts are redacted. */
export function redactValue(value: unknown): unknown {
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (typeof value !== "object" || value === null) return value;
  const isSecret = "kind" in value && value.kind === "Secret";
  const { success } = variable.safeParse(value);
  const hidesValue = success && "name" in value && typeof value.name === "string" && isSecretName(value.name);
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => {
      if (isSecret && (name === "data" || name === "stringData")) return [name, redacted];
      if ((hidesValue && name === "value") || (isSecretName(name) && isScalar(one))) return [name, redacted];
      return [redactText(name), redactValue(one)];
    }),
  );
}

const isScalar = (value: unknown): boolean => typeof value === "string" || typeof value === "number";
