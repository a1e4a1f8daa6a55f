import { GuardRole } from "../components/guard/guard-role.ts";
import { RegistryTable } from "../components/guard/registry-table.ts";
import { currentConfig } from "./config-source.ts";
import { readGuardConfig } from "./guard-config.ts";

/** Guard's table and role in its own account; the roles of the clusters belong to theirs. Outputs: what switchyard.yaml and they need. */
export async function guard(): Promise<Record<string, unknown>> {
  const { tableName, trustRoleArns, deletionProtection, eventBusArn, ...settings } = readGuardConfig(currentConfig());
  const table = new RegistryTable("registry", { tableName, deletionProtection });
  const role = new GuardRole("guard", {
    ...settings,
    ...(eventBusArn === undefined ? {} : { eventBusArn }),
    tableArn: table.tableArn,
    trust: { roleArns: trustRoleArns },
  });
  return { tableName: table.tableName, tableArn: table.tableArn, roleArn: role.roleArn };
}
