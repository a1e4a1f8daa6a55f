import { z } from "zod";
import { openJsonFile } from "./json-file.ts";

/** A listener's port is taken by another process. */
export class PortInUseError extends Error {
  readonly port: number;
  readonly listener: string;
  constructor(listener: string, port: number, options?: ErrorOptions) {
    super(
      `port in use: ${port} on 127.0.0.1, which the listener of forwarding rule ${listener} had before, is taken by another process. End that process, or give the listener a port with --listener ${listener}=PORT.`,
      options,
    );
    this.name = "PortInUseError";
    this.port = port;
    this.listener = listener;
  }
}

/** Below the range from which systems take ports for outgoing connections, so that none takes it while the daemon is down. */
const firstPort = 20_000;
const lastPort = 29_999;
const attempts = 50;

const documentSchema = z.strictObject({
  version: z.literal(1),
  ports: z.record(z.string(), z.int().min(1).max(65535)),
});

/** Remembers the port of each listener, so that it is the same after a restart. */
export interface ListenerPorts {
  /**
   * Runs `listen` with the listener's port: the fixed one, else the remembered one, else a free one that is then remembered.
   * Errors: PortInUseError; those of `listen`.
   */
  assign<T>(rule: string, listen: (port: number) => Promise<T>): Promise<T>;
}

export interface ListenerPortsOptions {
  /** listeners.json */
  readonly path: string;
  /** Ports by the forwarding rule's name that the user asked for. */
  readonly fixed: Readonly<Record<string, number>>;
  /** In [0, 1). */
  readonly random: () => number;
}

export async function openListenerPorts(options: ListenerPortsOptions): Promise<ListenerPorts> {
  const file = await openJsonFile<z.infer<typeof documentSchema>>(options.path, documentSchema, {
    version: 1,
    ports: {},
  });

  async function listenOn<T>(rule: string, port: number, listen: (port: number) => Promise<T>): Promise<T> {
    try {
      return await listen(port);
    } catch (error) {
      if (isAddressInUse(error)) throw new PortInUseError(rule, port, { cause: error });
      throw error;
    }
  }

  return {
    async assign(rule, listen) {
      const wanted = options.fixed[rule] ?? file.value.ports[rule];
      if (wanted !== undefined) return listenOn(rule, wanted, listen);
      for (let attempt = 1; ; attempt += 1) {
        const port = firstPort + Math.floor(options.random() * (lastPort - firstPort + 1));
        try {
          const listening = await listenOn(rule, port, listen);
          await file.update(({ ports }) => ({ version: 1, ports: { ...ports, [rule]: port } }));
          return listening;
        } catch (error) {
          if (!(error instanceof PortInUseError) || attempt === attempts) throw error;
        }
      }
    },
  };
}

function isAddressInUse(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
