/**
 * The stateless rules as a Pulumi policy pack, for preview and up. Hard findings are mandatory: what one resource alone says
 * is said before that resource is created, what several say together at the end. Warnings, and what cannot be told, are
 * advisory: no plain `pulumi up` fails for them, but a swap does not go on by itself.
 */
import { PolicyPack } from "@pulumi/policy";
import { PackSession } from "./session.ts";

const session = new PackSession(process.env);

new PolicyPack("switchyard-stateless", {
  policies: [
    {
      name: "stateless",
      description: "A workload keeps no state on its platform.",
      enforcementLevel: "mandatory",
      validateResource: ({ type, urn, props, provider }, report) => {
        // A component is only what its children are.
        if (provider === undefined) return;
        for (const message of session.declare({ type, urn, properties: props })) report(message);
      },
    },
    {
      name: "stateless-together",
      description: "Resources of one stack keep no state together.",
      enforcementLevel: "mandatory",
      validateStack: (_stack, report) => {
        for (const { message, urn } of session.judge()) report(message, urn);
      },
    },
    {
      name: "stateless-doubts",
      description: "A workload leans on no single instance, and can be told to be stateless.",
      enforcementLevel: "advisory",
      validateStack: (_stack, report) => {
        for (const { message, urn } of session.doubts()) report(message, urn);
      },
    },
  ],
});
