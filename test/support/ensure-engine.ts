import { resolveEngine, resolveLanguageHost } from "../../automation/adapters/pulumi-resolver.ts";

/** The engine and the language host, found, downloaded or built (about two minutes) before the first test needs them. */
export default async function ensureEngine(): Promise<void> {
  let phase = "";
  const onProgress = (progress: { readonly phase: string }): void => {
    if (progress.phase !== phase) process.stderr.write(`Pulumi engine: ${progress.phase}\n`);
    phase = progress.phase;
  };
  const engine = await resolveEngine({ env: process.env, onProgress });
  await resolveLanguageHost({ env: process.env, engine, onProgress });
}
