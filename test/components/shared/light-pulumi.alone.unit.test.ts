import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { lightenPulumi } from "../../../components/shared/light-pulumi.ts";

const require = createRequire(import.meta.url);
const isLoaded = (part: RegExp): boolean => Object.keys(require.cache).some((path) => part.test(path));
const compiler = /node_modules\/typescript\/lib\//;
const tree = /node_modules\/@npmcli\/arborist\/lib\/arborist\//;

it("the SDK loads without compiler and package tree, and both are there when a closure is serialised", async () => {
  lightenPulumi();
  const { runtime } = await import("@pulumi/pulumi");
  expect([isLoaded(compiler), isLoaded(tree)]).toEqual([false, false]);
  const twelve = 12;
  const { text } = await runtime.serializeFunction(() => twelve);
  expect(text).toContain("twelve: 12");
  expect(isLoaded(compiler)).toBe(true);
  expect((await runtime.computeCodePaths()).size).toBeGreaterThan(0);
  expect(isLoaded(tree)).toBe(true);
  // Once more, with the SDK loaded already, does nothing.
  lightenPulumi();
  expect((await runtime.serializeFunction(() => twelve)).text).toBe(text);
});
