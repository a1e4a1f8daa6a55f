import { z } from "zod";

const texts = z.array(z.string()).min(1);

const document = z.strictObject({
  Version: z.literal("2012-10-17"),
  Statement: z
    .array(
      z.strictObject({
        Effect: z.literal("Allow"),
        Sid: z.string().regex(/^[A-Za-z0-9]+$/),
        Action: texts,
        Resource: texts.optional(),
        Principal: z.union([z.strictObject({ AWS: texts }), z.strictObject({ Federated: texts })]).optional(),
        Condition: z.record(z.string(), z.record(z.string(), z.union([z.string(), texts]))).optional(),
      }),
    )
    .min(1),
});

export type Statement = z.output<typeof document>["Statement"][number];

/** The statements of a policy as IAM would read them; throws where it would refuse. */
export const statementsOf = (policy: unknown): readonly Statement[] =>
  document.parse(JSON.parse(String(policy))).Statement;

/** Actions that IAM knows no resource for; only these may stand beside `*`, and only within regions. */
const withoutResources = ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"];

/** What is too wide, in words; empty: nothing. */
export function tooWide(statements: readonly Statement[]): readonly string[] {
  return statements.flatMap(({ Sid, Action, Resource = [], Principal, Condition }) => {
    const principals = Principal === undefined ? [] : Object.values(Principal).flat();
    const regional = Condition?.["StringEquals"]?.["aws:RequestedRegion"] !== undefined;
    return [
      ...Action.filter((action) => !/^[a-z0-9-]+:[A-Z][A-Za-z]+$/.test(action)).map(
        (action) => `${Sid}: action ${action}`,
      ),
      ...Resource.filter(
        (resource) =>
          /[*?]/.test(resource) &&
          !(resource === "*" && regional && Action.every((one) => withoutResources.includes(one))),
      ).map((resource) => `${Sid}: resource ${resource}`),
      ...principals
        .filter((principal) => /[*?]|:root$/.test(principal))
        .map((principal) => `${Sid}: principal ${principal}`),
      ...Object.entries(Condition ?? {}).flatMap(([operator, values]) =>
        operator !== "StringEquals" ||
        Object.values(values)
          .flat()
          .some((value) => /[*?]/.test(value))
          ? [`${Sid}: condition ${operator}`]
          : [],
      ),
      ...(Resource.length === 0 && principals.length === 0 ? [`${Sid}: about nothing`] : []),
    ];
  });
}
