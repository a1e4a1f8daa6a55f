import { Table, type TableArgs } from "@pulumi/aws/dynamodb/table.js";
import type { ComponentResourceOptions, Input, Output } from "@pulumi/pulumi";
import { SwitchyardComponent, type Transform } from "../shared/switchyard-component.ts";
import { checkInteger, checkPattern, rejectProblems } from "../shared/validation.ts";

const tableNamePattern = /^[A-Za-z0-9_.-]{3,255}$/;

/** Index of a batch's clusters. */
export const batchIndex = "batch_id-index";

const recoveryDays = { default: 35, min: 1, max: 35, unit: "days" } as const;

export interface RegistryTableArgs {
  /** Name of the table, as guard.aws.dynamodb.table_name has it. Default guard-clusters. A change replaces the table. */
  readonly tableName?: string;
  /** Key that encrypts it; default the one that AWS manages for DynamoDB in this account. */
  readonly kmsKeyArn?: Input<string>;
  /** How far back it can be restored, 1 to 35 days. Default 35. */
  readonly recoveryDays?: number;
  /** Refuses to delete the table. Default true. */
  readonly deletionProtection?: boolean;
  /** Default none. */
  readonly tags?: Readonly<Record<string, string>>;
  /** The way to reach what the args do not offer. */
  readonly transform?: { readonly table?: Transform<TableArgs> };
}

/**
 * Guard's table: registry, states, locks, history and documents of all clusters. Paid by request; encrypted, restorable to every second, and not
 * deleted by mistake. History alone goes by itself, at the time in expires_at.
 *
 * @example
 * const table = new RegistryTable("registry", { tags: { team: "platform" } });
 * export const tableName = table.tableName;
 */
export class RegistryTable extends SwitchyardComponent {
  readonly tableName: Output<string>;
  readonly tableArn: Output<string>;

  constructor(name: string, args: RegistryTableArgs = {}, opts: ComponentResourceOptions = {}) {
    const { tableName = "guard-clusters", deletionProtection = true } = args;
    rejectProblems(`switchyard:guard:RegistryTable ${name}`, [
      ...checkPattern("tableName", tableName, tableNamePattern, "3 to 255 letters, digits, hyphens, dots, underscores"),
      ...checkInteger("recoveryDays", args.recoveryDays, recoveryDays),
    ]);
    super("switchyard:guard:RegistryTable", name, opts);
    const table = this.child(
      Table,
      "table",
      {
        name: tableName,
        billingMode: "PAY_PER_REQUEST",
        hashKey: "cluster_id",
        attributes: [
          { name: "cluster_id", type: "S" },
          { name: "batch_id", type: "S" },
        ],
        // Its answers may be old, so that items are read again by key: more than keys would be paid for nothing.
        globalSecondaryIndexes: [{ name: batchIndex, hashKey: "batch_id", projectionType: "KEYS_ONLY" }],
        ttl: { attributeName: "expires_at", enabled: true },
        pointInTimeRecovery: { enabled: true, recoveryPeriodInDays: args.recoveryDays ?? recoveryDays.default },
        serverSideEncryption: { enabled: true, ...(args.kmsKeyArn === undefined ? {} : { kmsKeyArn: args.kmsKeyArn }) },
        deletionProtectionEnabled: deletionProtection,
        ...(args.tags === undefined ? {} : { tags: args.tags }),
      },
      { transform: args.transform?.table, opts: { protect: deletionProtection } },
    );
    this.tableName = table.name;
    this.tableArn = table.arn;
    this.registerOutputs({ tableName: this.tableName, tableArn: this.tableArn });
  }
}
