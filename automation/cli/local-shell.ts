/** What a shell needs so that plain `pulumi` runs this checkout's programs on the local cloud. */
import { dirname, join } from "node:path";
import { SwitchyardError } from "../errors.ts";
import { type Composition, policyFolder } from "./compose.ts";
import { type Program, programs } from "./programs.ts";

/** Variables by name; PATH holds only what is to stand before the shell's own. Errors: not-on-this-cloud, engine-missing. */
export async function localShell(
  composition: Composition,
  name: string,
): Promise<{ readonly variables: Readonly<Record<string, string>>; readonly unset: readonly string[] }> {
  const environment = await composition.environment(name);
  if (environment.config.cloud !== "local") {
    throw new SwitchyardError("not-on-this-cloud", {
      message: `Environment ${name} is on ${environment.config.cloud}; plain pulumi needs nothing from Switchyard there`,
      next: `For example:   pulumi up -s gke.${name}`,
    });
  }
  const engine = await composition.resolveEngine();
  const languageHost = await composition.resolveLanguageHost();
  const variables = await composition.localVariables(environment.config);
  const stacks = await environment.engine();
  for (const program of programs) await stacks.configure(`${program}.${name}`, await settings(program));
  // The policy pack's starter is found on the PATH: `pulumi up --policy-pack policy`.
  const folders = [
    join(composition.root, "node_modules", ".bin"),
    dirname(engine.pulumi),
    dirname(languageHost),
    policyFolder,
  ];
  return { variables: { ...variables, PATH: [...new Set(folders)].join(":") }, unset: composition.localUnset };

  async function settings(program: Program) {
    const shared = await environment.settings(program);
    if (program === "cloud-run" || program === "gke")
      return { ...shared, "switchyard:image": await environment.image(undefined) };
    return shared;
  }
}
