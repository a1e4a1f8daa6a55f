/**
 * A no-change `up` through our driver, without and with the policy pack, beside a bare Automation API script, in turns, in one
 * process. Prints JSON on stdout and
 * readable lines on stderr. Usage: node engine.bench.ts [rounds] [stack]. Without a stack: two things of a tiny provider. With one,
 * for example cloud-run.local: that stack of this checkout, which has to be up, on the running local cloud.
 */
import { join } from "node:path";
import { LocalWorkspace, type PulumiFn } from "@pulumi/pulumi/automation/index.js";
import { findLocalCloud } from "../../automation/adapters/local-cloud.ts";
import { createPulumiEngine } from "../../automation/adapters/pulumi-engine.ts";
import { localEnvironment } from "../../automation/adapters/pulumi-environment.ts";
import { isStackName } from "../../automation/adapters/pulumi-replies.ts";
import { lookForEngine, resolveEngine } from "../../automation/adapters/pulumi-resolver.ts";
import type { StackEngine } from "../../automation/ports/stack-engine.ts";
import { startRealEngine } from "../support/real-engine.ts";
import { tinyPrograms } from "../support/tiny-programs.ts";

const [roundsText = "7", stack = "shop.local"] = process.argv.slice(2);
const rounds = Number(roundsText);
if (!isStackName(stack) || !(rounds >= 1)) throw new Error("Usage: node engine.bench.ts [rounds] [stack]");

const policyPack = join(import.meta.dirname, "..", "..", "policy");

interface Subject {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly engine: StackEngine;
  /** The same with the policy pack, as all commands have it. */
  readonly packed: StackEngine;
  readonly program: PulumiFn;
  readonly close: () => Promise<void>;
}

async function tiny(): Promise<Subject> {
  const real = await startRealEngine();
  const program = await tinyPrograms["shop"]?.();
  if (program === undefined) throw new Error("There is no program shop.");
  return { ...real, packed: real.another({ policyPack }), program };
}

async function checkout(): Promise<Subject> {
  const root = join(import.meta.dirname, "..", "..");
  const cloud = await findLocalCloud(root);
  if (cloud === undefined) throw new Error("The local cloud does not run: npx switchyard local start");
  const { programs } = await import("../../stacks/programs.ts");
  const found = Object.entries(programs).find(([name]) => name === stack.split(".")[0]);
  if (found === undefined) throw new Error(`There is no program for ${stack}.`);
  const env = localEnvironment({ root, cloud });
  const { pulumi, version } = await resolveEngine({ env: process.env });
  const options = { root, env, programs, pulumiCommandPath: pulumi, pulumiVersion: version };
  const engine = createPulumiEngine(options);
  const packed = createPulumiEngine({ ...options, policyPack });
  return { root, env, engine, packed, program: await found[1](), close: async () => undefined };
}

const { root, env, engine, packed, program, close } = process.argv[3] === undefined ? await tiny() : await checkout();
const { pulumi } = await resolveEngine({ env: process.env });
// The bare script finds its engine where any user's would: on the PATH.
process.env["PATH"] = `${join(pulumi, "..")}:${process.env["PATH"]}`;

async function bare(): Promise<void> {
  const args = { stackName: stack, projectName: "switchyard", program };
  const handle = await LocalWorkspace.createOrSelectStack(args, { workDir: root, envVars: env });
  await handle.up();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

try {
  await engine.up(stack);
  await bare();
  // The first start of the pack fills its cache of compiled code.
  await packed.up(stack);
  const times: Record<"driver" | "packed" | "bare" | "preview" | "outputs" | "configure" | "find", number[]> = {
    driver: [],
    packed: [],
    bare: [],
    preview: [],
    outputs: [],
    configure: [],
    find: [],
  };
  for (let round = 0; round < rounds; round += 1) {
    times.bare.push(await timed(bare));
    times.driver.push(await timed(() => engine.up(stack)));
    times.packed.push(await timed(() => packed.up(stack)));
    times.preview.push(await timed(() => engine.preview(stack)));
    times.outputs.push(await timed(() => engine.outputs(stack)));
    times.configure.push(await timed(() => engine.configure(stack, {})));
    times.find.push(await timed(() => lookForEngine({ env: process.env })));
  }
  const ms = Object.fromEntries(
    Object.entries(times).map(([name, values]) => [name, Math.round(median(values) * 10) / 10]),
  );
  const [driver, withPack, script] = [median(times.driver), median(times.packed), median(times.bare)];
  const result = {
    stack,
    rounds,
    medianMs: ms,
    ratio: Math.round((driver / script) * 100) / 100,
    differenceMs: Math.round(driver - script),
    packMs: Math.round(withPack - driver),
    packedOverBareMs: Math.round(withPack - script),
  };
  process.stderr.write(
    `no-change up of ${stack}: driver ${Math.round(driver)} ms, with the policy pack ${Math.round(withPack)} ms, bare script ${Math.round(script)} ms, ratio ${result.ratio}\n`,
  );
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await close();
}
