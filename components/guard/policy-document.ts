/** Policies of IAM as text. Every statement allows; what is not allowed is denied. */

export interface PolicyStatement {
  /** What it is for, letters and digits. */
  readonly Sid: string;
  readonly Action: readonly string[];
  readonly Resource?: readonly string[];
  /** Only in the policy that says who may take a role. */
  readonly Principal?: { readonly AWS: readonly string[] } | { readonly Federated: readonly string[] };
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** As IAM takes it. Statements about nothing are left out: an empty list of resources is refused. */
export function policyDocument(statements: readonly PolicyStatement[]): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: statements
      .filter(({ Resource }) => Resource === undefined || Resource.length > 0)
      .map((statement) => ({ Effect: "Allow", ...statement })),
  });
}
