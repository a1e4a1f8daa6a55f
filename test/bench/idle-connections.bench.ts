import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { z } from "zod";

/**
 * What an idle kept connection costs the router in memory. Router, origin and clients in processes of their own; each
 * connection has done one request. Prints JSON on stdout and a readable line on stderr; fails above the goal.
 * Usage: node idle-connections.bench.ts [connections]
 */
const goalBytes = 20 * 1024;
const connections = Number(process.argv[2] ?? 10_000);
/** Compiles the hot path and lets the heap find its working size, so that growth is that of connections. */
const warmUp = { connections: 200, requests: 100 };
const perClient = 5000;

const ready = z.object({ port: z.number() });
const held = z.object({ connections: z.number() });
const size = z.object({ rss: z.number(), heapUsed: z.number(), external: z.number() });
const children: ChildProcess[] = [];

function start(file: string, ...args: string[]): ChildProcess {
  const path = join(import.meta.dirname, file);
  const child = fork(path, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  children.push(child);
  return child;
}

function message<T>(child: ChildProcess, schema: z.ZodType<T>, question?: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`${child.spawnargs.join(" ")} ended early with code ${code}.`));
    child.once("exit", onExit);
    child.once("message", (value) => {
      child.off("exit", onExit);
      resolve(schema.parse(value));
    });
    if (question !== undefined) child.send(question);
  });
}

try {
  const { port: originPort } = await message(start("router/origin.ts"), ready);
  const router = start("idle-connections/router.ts", `http://127.0.0.1:${originPort}`);
  const { port } = await message(router, ready);

  const open = async (wanted: number, requests = 1): Promise<number> => {
    const client = start("idle-connections/client.ts", String(port), String(requests));
    await message(client, held);
    return (await message(client, held, { open: wanted })).connections;
  };
  await open(warmUp.connections, warmUp.requests);
  const before = await message(router, size, {});
  let opened = 0;
  while (opened < connections) opened += await open(Math.min(perClient, connections - opened));
  const after = await message(router, size, {});

  const each = (bytes: (of: z.infer<typeof size>) => number): number =>
    Math.round((bytes(after) - bytes(before)) / opened);
  const bytesPerConnection = each(({ rss }) => rss);
  const report = {
    connections: opened,
    bytesPerConnection,
    ofThat: { heap: each(({ heapUsed }) => heapUsed), external: each(({ external }) => external) },
    rssMiB: { before: Math.round(before.rss / 2 ** 20), after: Math.round(after.rss / 2 ** 20) },
    goals: { bytesPerConnection: `<= ${goalBytes}` },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  process.stderr.write(
    `idle connection ${(bytesPerConnection / 1024).toFixed(1)} KiB (goal at most ${goalBytes / 1024}), ${opened} connections\n`,
  );
  process.exitCode = bytesPerConnection <= goalBytes ? 0 : 1;
} finally {
  for (const child of children) child.kill();
}
