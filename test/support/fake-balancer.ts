export {
  createSimulatedBalancer as createFakeBalancer,
  type SimulatedBalancer as FakeBalancer,
} from "../../automation/drill/simulation/balancer.ts";
