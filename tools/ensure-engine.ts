/**
 * Makes sure that the Pulumi engine and its Node language host are there, and prints the engine's folder on stdout.
 * For CI, so that no test pays for the build. Progress goes to stderr.
 */
import { dirname } from "node:path";
import { type EngineProgress, resolveEngine, resolveLanguageHost } from "../automation/adapters/pulumi-resolver.ts";
import { SwitchyardError } from "../automation/errors.ts";

const stop = new AbortController();
process.once("SIGINT", () => stop.abort(new Error("interrupted")));
process.once("SIGTERM", () => stop.abort(new Error("terminated")));

let shown = "";
const onProgress = ({ phase, percent }: EngineProgress): void => {
  const line = percent === undefined ? phase : `${phase}, ${Math.floor(percent / 10) * 10} %`;
  if (line !== shown) process.stderr.write(`${line}\n`);
  shown = line;
};

try {
  const options = { env: process.env, onProgress, signal: stop.signal };
  const engine = await resolveEngine(options);
  await resolveLanguageHost({ ...options, engine });
  process.stdout.write(`${dirname(engine.pulumi)}\n`);
} catch (error) {
  if (!(error instanceof SwitchyardError) && !stop.signal.aborted) throw error;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof SwitchyardError) for (const line of error.next) process.stderr.write(`  ${line}\n`);
  process.exitCode = error instanceof SwitchyardError ? error.exitCode : 8;
}
