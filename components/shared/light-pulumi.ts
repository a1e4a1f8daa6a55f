/**
 * Makes the Pulumi SDK load its TypeScript compiler and npm's tree of packages only when a closure is serialised, which no
 * program here does. Together they are two thirds of the SDK's load, 0.35 s in every process that runs or judges a program.
 */
import { createRequire, Module } from "node:module";

/** Before the SDK is loaded. Without effect on an SDK that has other parts. */
export function lightenPulumi(): void {
  const require = createRequire(createRequire(import.meta.url).resolve("@pulumi/pulumi"));
  later(require, "./typescript-shim.js", (load) => new Proxy({}, { get: (_, name) => Reflect.get(load(), name) }));
  later(require, "@npmcli/arborist", (load) => ({
    __esModule: true,
    get Arborist() {
      return Reflect.get(load(), "Arborist");
    },
  }));
}

/** Puts a stand-in where the module would be; it loads the module itself on its first use. */
function later(require: NodeJS.Require, name: string, standIn: (load: () => object) => object): void {
  let path: string;
  try {
    path = require.resolve(name);
  } catch {
    return;
  }
  if (require.cache[path] !== undefined) return;
  const module = new Module(path);
  module.exports = standIn(() => {
    delete require.cache[path];
    return require(path);
  });
  module.loaded = true;
  require.cache[path] = module;
}
