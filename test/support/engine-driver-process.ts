/** A process of its own that brings shop.local up in the folder given; to be killed. Arguments: root, pulumi, variables as JSON. */
import { z } from "zod";
import { createPulumiEngine } from "../../automation/adapters/pulumi-engine.ts";
import { tinyPrograms } from "./tiny-programs.ts";

const [root, pulumi, variables] = z.tuple([z.string(), z.string(), z.string()]).parse(process.argv.slice(2));
const env = z.record(z.string(), z.string()).parse(JSON.parse(variables));
await createPulumiEngine({ root, pulumiCommandPath: pulumi, env, programs: tinyPrograms }).up("shop.local");
