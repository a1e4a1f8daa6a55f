import { createSimulatedGitHost } from "../../../automation/guard/simulation/git-host.ts";
import { branchLookContract } from "./branch-look.contract.ts";

branchLookContract("simulated Git host", async () => {
  const simulated = createSimulatedGitHost({ now: () => Date.UTC(2026, 11, 1) });
  return { host: simulated.host, hands: simulated, close: async () => {} };
});
