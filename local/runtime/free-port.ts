import { createServer } from "node:net";

/** Below the range from which Linux (32768) and macOS (49152) take ports for outgoing connections, which would race with a starting process. */
const firstPort = 15_000;
const portCount = 17_000;

/** No free port was found; something on this machine holds very many. */
export class NoFreePortError extends Error {
  constructor() {
    super(`No free TCP port was found on 127.0.0.1 between ${firstPort} and ${firstPort + portCount - 1}.`);
    this.name = "NoFreePortError";
  }
}

/**
 * A port on 127.0.0.1 that nobody listens on now. `random` gives numbers in [0, 1); `isTaken` names ports that are promised already.
 * Errors: NoFreePortError after 100 tries.
 */
export async function findFreePort(random: () => number, isTaken: (port: number) => boolean): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = firstPort + Math.floor(random() * portCount);
    if (!isTaken(port) && (await canListen(port))) return port;
  }
  throw new NoFreePortError();
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => {
      const code = "code" in error ? error.code : undefined;
      if (code === "EADDRINUSE" || code === "EACCES") resolve(false);
      else reject(error);
    });
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
