/** Programs of `tiny:index:Thing` for the real engine. */
import { Config, CustomResource, type CustomResourceOptions, type Input, type Output, secret } from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation/index.js";

export class Thing extends CustomResource {
  declare readonly address: Output<string>;
  declare readonly size: Output<string>;

  constructor(name: string, args: { readonly size: Input<string> }, options?: CustomResourceOptions) {
    super("tiny:index:Thing", name, { ...args, address: undefined }, options);
  }
}

/** Two things, one after the other, of the size that the setting names (default small). */
const shop: PulumiFn = async () => {
  const size = new Config().get("size") ?? "small";
  const first = new Thing("first", { size });
  const second = new Thing("second", { size }, { dependsOn: [first] });
  return { address: second.address, size, key: secret("hush"), both: [first.address, second.address] };
};

/** A thing whose size is a secret. */
const sealed: PulumiFn = async () => {
  new Thing("only", { size: secret("small") });
};

export const tinyPrograms: Readonly<Record<string, () => Promise<PulumiFn>>> = {
  shop: async () => shop,
  other: async () => shop,
  sealed: async () => sealed,
};
