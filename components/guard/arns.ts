/** What of AWS guard's components are given, by name; nothing in them may stand for several things. */
import { checkPattern, type Problem } from "../shared/validation.ts";

const partition = "arn:aws(?:-[a-z-]+)?";

/** With the six characters that Secrets Manager adds: a shorter name would be a pattern. */
const patterns = {
  role: [new RegExp(`^${partition}:iam::\\d{12}:role/[\\w+=,.@/-]{1,576}$`), "the ARN of a role"],
  secret: [
    new RegExp(`^${partition}:secretsmanager:[a-z0-9-]+:\\d{12}:secret:[\\w/+=.@-]{1,505}-[A-Za-z0-9]{6}$`),
    "the whole ARN of a secret, with the six characters at its end",
  ],
  key: [new RegExp(`^${partition}:kms:[a-z0-9-]+:\\d{12}:key/[\\w-]{1,64}$`), "the ARN of a key, no alias"],
  eventBus: [
    new RegExp(`^${partition}:events:[a-z0-9-]+:\\d{12}:event-bus/[\\w/.-]{1,256}$`),
    "the ARN of an event bus",
  ],
  cluster: [
    new RegExp(`^${partition}:eks:[a-z0-9-]+:\\d{12}:cluster/[A-Za-z0-9][\\w-]{0,99}$`),
    "the ARN of an EKS cluster",
  ],
  oidcProvider: [
    new RegExp(`^${partition}:iam::\\d{12}:oidc-provider/[\\w./-]{1,255}$`),
    "the ARN of an OIDC provider of IAM",
  ],
} as const;

export const regionPattern = /^[a-z]{2}(?:-[a-z]+)+-\d$/;
export const regionForm = "a region, for example eu-central-1";

export function checkArn(path: string, value: string, kind: keyof typeof patterns): Problem[] {
  const [pattern, allowed] = patterns[kind];
  return checkPattern(path, value, pattern, allowed);
}

export function checkArns(path: string, values: readonly string[], kind: keyof typeof patterns): Problem[] {
  return values.flatMap((value, index) => checkArn(`${path}[${index}]`, value, kind));
}
