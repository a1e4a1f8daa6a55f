/** All rules, and which types they need not look at. The one source: policy pack, scan and compliance check take it from here. */
import type { StatelessRule } from "./rule.ts";
import { affinityRules } from "./rules/affinity.ts";
import { dataEngineRules } from "./rules/data-engines.ts";
import { hostRules } from "./rules/hosts.ts";
import { lifecycleRules } from "./rules/lifecycle.ts";
import { localDataRules } from "./rules/local-data.ts";
import { scratchSpaceRules } from "./rules/scratch-space.ts";
import { storageRules } from "./rules/storage.ts";
import { workloadKindRules } from "./rules/workload-kinds.ts";

export const statelessRules: readonly StatelessRule[] = [
  ...storageRules,
  ...scratchSpaceRules,
  ...workloadKindRules,
  ...dataEngineRules,
  ...localDataRules,
  ...affinityRules,
  ...hostRules,
  ...lifecycleRules,
];
