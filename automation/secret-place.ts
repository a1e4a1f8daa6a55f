/** How a file says where a secret is, never what it is; adapters/secret-reference.ts reads it. Pure. */
import { z } from "zod";

const reference =
  /^([A-Z_][A-Z0-9_]{0,99}|file:[^\s:]{1,300}|secrets-manager:[\w+=,.@/:!-]{1,512}(#[\w.-]{1,100})?|secret-manager:projects\/[a-z0-9.:-]{1,100}\/secrets\/[A-Za-z0-9_-]{1,255}(\/versions\/(latest|\d{1,10}))?)$/;

/** `what`, for people: the URL. What is no reference may be the secret itself, so it is not printed. */
export const secretFrom = (what: string) =>
  z
    .string()
    .refine((value) => reference.test(value), {
      message:
        "must say where the secret is, never what it is: the NAME of an environment variable in capitals, file:PATH (mode 0600), secrets-manager:NAME-OR-ARN of AWS (with #KEY where the secret is JSON), or secret-manager:projects/P/secrets/S of Google Cloud",
      params: { hidden: true },
    })
    .meta({ pattern: reference.source })
    .describe(
      `Where ${what} is: the NAME of an environment variable, file:PATH (mode 0600, from the checkout), secrets-manager:NAME[#KEY] (AWS), or secret-manager:projects/P/secrets/S (Google Cloud).`,
    );
