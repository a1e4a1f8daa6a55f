import { beforeAll } from "vitest";
import { resolveEngine } from "../../../automation/adapters/pulumi-resolver.ts";
import { engineTimeoutMs, startRealEngine } from "../../support/real-engine.ts";
import { type StackEngineHarness, stackEngineContract } from "./stack-engine.contract.ts";

beforeAll(async () => {
  await resolveEngine({ env: process.env });
}, engineTimeoutMs);

stackEngineContract("the real engine", startReal, 60_000);

async function startReal(): Promise<StackEngineHarness> {
  const real = await startRealEngine();
  return {
    engine: real.engine,
    onCreate: (hook) => {
      real.provider.onCreate = hook;
    },
    things: () => [...real.provider.things.keys()].sort(),
    close: real.close,
  };
}
