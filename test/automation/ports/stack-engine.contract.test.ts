import { FakeStackEngine } from "../../support/fake-stack-engine.ts";
import { type StackEngineHarness, stackEngineContract } from "./stack-engine.contract.ts";

stackEngineContract("FakeStackEngine", startFake, 5_000);

async function startFake(): Promise<StackEngineHarness> {
  const things = new Set<string>();
  let hook: (name: string) => Promise<void> = async () => undefined;
  const program = (config: Readonly<Record<string, unknown>>) => {
    const size = config["switchyard:size"] ?? "small";
    return { resources: { first: { size }, second: { size } }, outputs: { size, key: "[secret]" } };
  };
  const engine = new FakeStackEngine({
    programs: { shop: program, other: program },
    onChange: async (_stack, operation, resource) => {
      if (operation === "create") await hook(resource);
      if (operation === "delete") things.delete(resource);
      else things.add(resource);
    },
  });
  return {
    engine,
    onCreate: (next) => {
      hook = next;
    },
    things: () => [...things],
    close: async () => undefined,
  };
}
