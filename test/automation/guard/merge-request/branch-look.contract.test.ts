import { createGitLab } from "../../../../automation/adapters/gitlab.ts";
import { systemClock } from "../../../../automation/adapters/system-clock.ts";
import { createSimulatedGitHost } from "../../../../automation/guard/simulation/git-host.ts";
import { startGitLabServer } from "../../../support/gitlab-server/server.ts";
import { branchLookContract } from "./branch-look.contract.ts";

branchLookContract("simulated Git host", async () => {
  const simulated = createSimulatedGitHost({ now: () => Date.UTC(2026, 11, 1) });
  return { host: simulated.host, hands: simulated, close: async () => {} };
});

branchLookContract("GitLab", async () => {
  const server = await startGitLabServer();
  const { url, token, hands } = server;
  const host = createGitLab({ url, token, clock: systemClock, limits: { perMinute: 100_000 } });
  return { host, hands, close: () => server.close() };
});
