/** How the choice of a platform is written for people. */
import type { Chosen } from "../selection/select.ts";

export interface SelectResult extends Chosen {
  readonly environment: string;
  readonly region: string;
  readonly serving: string | undefined;
  /** Why costs are not known, where they would decide. */
  readonly costUnknown: string | undefined;
}

export function describeSelection(result: SelectResult): readonly string[] {
  const { environment, platform, reason, rule, ruledOut, serving, costUnknown, evidence } = result;
  const numbers = Object.entries(evidence);
  return [
    `Environment ${environment} (${result.region}) belongs on ${platform}: ${reason} [${rule}].`,
    ...(numbers.length === 0 ? [] : [`A month: ${numbers.map(([name, value]) => `${name} ${value}`).join(", ")}.`]),
    ...(costUnknown === undefined ? [] : [`Costs are not known: ${costUnknown}.`]),
    ...ruledOut.map((one) => `Out: ${one.platform}, because ${one.reason} [${one.rule}].`),
    ...(serving === undefined
      ? [`To bring it up:   npx switchyard up ${platform}.${environment}`]
      : serving === platform
        ? [`${serving} serves already.`]
        : [`${serving} serves. To move:   npx switchyard swap start --to ${platform} --env ${environment}`]),
  ];
}
