export { createVirtualClock, type VirtualClock } from "../../automation/drill/simulation/clock.ts";
