export { createSimulatedBalancer as createFakeBalancer } from "../../automation/drill/simulation/balancer.ts";
