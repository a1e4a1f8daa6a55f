/** Whether the providers of PULUMI_DEBUG_PROVIDERS answer. The engine itself takes 10 s to give up on one that does not. */
import { connect } from "node:net";
import { SwitchyardError } from "../errors.ts";

export interface DebugProvider {
  readonly name: string;
  readonly port: number;
}

/** `gcp:4001,kubernetes:4002`. Errors: invalid-config (the engine panics on an entry without a port). */
export function parseDebugProviders(value: string | undefined): readonly DebugProvider[] {
  if (value === undefined || value.trim() === "") return [];
  return value.split(",").map((entry) => {
    const match = /^\s*([\w-]+):(\d{1,5})\s*$/.exec(entry);
    const [, name, port] = match ?? [];
    if (name === undefined || port === undefined || Number(port) < 1 || Number(port) > 65_535) {
      throw new SwitchyardError("invalid-config", {
        message: `PULUMI_DEBUG_PROVIDERS has the entry "${entry}"; entries are NAME:PORT, separated by commas`,
      });
    }
    return { name, port: Number(port) };
  });
}

/** Those on whose port nobody listens. Under 2 ms when all do. */
export async function silentProviders(value: string | undefined): Promise<readonly DebugProvider[]> {
  const providers = parseDebugProviders(value);
  const answers = await Promise.all(providers.map(listens));
  return providers.filter((_provider, index) => answers[index] === false);
}

export function providersUnreachable(silent: readonly DebugProvider[]): SwitchyardError {
  const names = silent.map(({ name, port }) => `${name} (port ${port})`).join(", ");
  return new SwitchyardError("engine-provider-unreachable", {
    message: `Nobody answers for ${silent.length === 1 ? "provider" : "providers"} ${names}, named in PULUMI_DEBUG_PROVIDERS`,
    data: { providers: silent },
  });
}

/** A refusal is the answer of a port that nobody has; other troubles are left to the engine to name. */
function listens({ port }: DebugProvider): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const answer = (heard: boolean) => {
      socket.destroy();
      resolve(heard);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", (error) => answer(!("code" in error && error.code === "ECONNREFUSED")));
    socket.setTimeout(1_000, () => answer(true));
  });
}
