import { createSimulatedStateStore } from "../../../../automation/drill/simulation/state-store.ts";
import { stateStoreContract } from "../../ports/state-store.contract.ts";

stateStoreContract("simulated", async () => {
  const store = createSimulatedStateStore();
  return { open: () => store };
});
