import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";

/**
 * The router beside the shortest undici proxy, and beside nginx where it is on the PATH; origin, proxies and load in
 * processes of their own. Prints JSON on stdout and a readable line on stderr. Usage: node router.bench.ts [seconds per run] [rounds]
 */
const [seconds = 5, rounds = 3] = process.argv.slice(2).map(Number);
const here = fileURLToPath(new URL("./router/", import.meta.url));
const children: ChildProcess[] = [];
const ready = z.object({ port: z.number() });
const usage = z.object({ cpu: z.number() });
const result = z.object({ requests: z.number(), requestsPerSecond: z.number(), p50: z.number(), p99: z.number() });
type Result = z.infer<typeof result>;

function start(file: string, ...args: string[]): ChildProcess {
  const child = fork(join(here, file), args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  children.push(child);
  return child;
}

function message<T>(child: ChildProcess, schema: z.ZodType<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void =>
      reject(new Error(`${child.spawnargs.join(" ")} ended early with code ${code}.`));
    child.once("exit", onExit);
    child.once("message", (value) => {
      child.off("exit", onExit);
      resolve(schema.parse(value));
    });
  });
}

const load = (port: number, connections: number, time: number): Promise<Result> =>
  message(start("load-client.ts", String(port), String(connections), String(time)), result);

const processes = new Map<string, ChildProcess>();
const cpuPerRequest = new Map<string, number[]>();

/** One run at 50 connections; processor time per request beside it, which other work on the machine disturbs least. */
async function saturate(name: string, port: number): Promise<Result> {
  const proxy = processes.get(name);
  if (proxy === undefined) return load(port, 50, seconds);
  const ask = (): Promise<{ cpu: number }> => {
    const answer = message(proxy, usage);
    proxy.send("usage");
    return answer;
  };
  const before = await ask();
  const run = await load(port, 50, seconds);
  const after = await ask();
  cpuPerRequest.set(name, [...(cpuPerRequest.get(name) ?? []), (after.cpu - before.cpu) / run.requests]);
  return run;
}

async function proxy(name: string, origin: string): Promise<[string, number]> {
  const child = start(`${name}-proxy.ts`, origin);
  processes.set(name, child);
  return [name, (await message(child, ready)).port];
}

async function nginx(originPort: number): Promise<{ port: number; stop: () => Promise<void> } | undefined> {
  try {
    execFileSync("nginx", ["-v"], { stdio: "ignore" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "switchyard-nginx-"));
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${folder}; proxy_temp_path ${folder};
fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
upstream origin { server 127.0.0.1:${originPort}; keepalive 512; keepalive_requests 100000000; }
server { listen 127.0.0.1:${port}; location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_buffering off;
proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; } } }`,
  );
  const child = spawn("nginx", ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: "inherit" });
  const stop = async (): Promise<void> => {
    child.kill();
    await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  };
  return { port, stop };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const round = (value: number, places = 0): number => Number(value.toFixed(places));

let peer: Awaited<ReturnType<typeof nginx>>;
try {
  const { port: originPort } = await message(start("origin.ts"), ready);
  const origin = `http://127.0.0.1:${originPort}`;
  peer = await nginx(originPort);
  const ports: [string, number][] = [
    ["direct", originPort],
    await proxy("bare", origin),
    await proxy("router", origin),
  ];
  if (peer !== undefined) ports.push(["nginx", peer.port]);

  for (const [, port] of ports) await load(port, 50, Math.min(2, seconds));
  const throughput = new Map<string, Result[]>();
  const latency = new Map<string, Result[]>();
  for (let i = 0; i < rounds; i++) {
    // Every other round the other way about, so that a drift of the machine hits all alike.
    const order = i % 2 === 0 ? ports : ports.toReversed();
    for (const [name, port] of order) {
      throughput.set(name, [...(throughput.get(name) ?? []), await saturate(name, port)]);
    }
    for (const [name, port] of order) {
      latency.set(name, [...(latency.get(name) ?? []), await load(port, 1, seconds)]);
    }
  }

  const rate = (name: string): number => median((throughput.get(name) ?? []).map((run) => run.requestsPerSecond));
  const p50 = (name: string): number => median((latency.get(name) ?? []).map((run) => run.p50));
  const added = (name: string): number => p50(name) - p50("direct");
  // Neighbours in time are compared, so that other work on the machine falls on both.
  const bare = throughput.get("bare") ?? [];
  const ratios = (throughput.get("router") ?? []).map(
    (run, i) => run.requestsPerSecond / (bare[i]?.requestsPerSecond ?? Number.NaN),
  );
  const report = {
    requestsPerSecond: Object.fromEntries(ports.map(([name]) => [name, round(rate(name))])),
    p50MicrosecondsOneConnection: Object.fromEntries(ports.map(([name]) => [name, round(p50(name))])),
    cpuMicrosecondsPerRequest: Object.fromEntries(
      [...cpuPerRequest].map(([name, list]) => [name, round(median(list), 1)]),
    ),
    throughputRatio: round(median(ratios), 3),
    throughputRatioPerRound: ratios.map((ratio) => round(ratio, 3)),
    addedLatencyRatio: round(added("router") / added("bare"), 3),
    goals: { throughputRatio: ">= 0.85", addedLatencyRatio: "<= 1.3" },
    rounds,
    secondsPerRun: seconds,
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  process.stderr.write(
    `router ${report.requestsPerSecond["router"]} req/s, bare undici ${report.requestsPerSecond["bare"]}: ` +
      `${report.throughputRatio} (goal 0.85); added p50 ${round(added("router"))} us, bare ${round(added("bare"))} us: ` +
      `${report.addedLatencyRatio} (goal at most 1.3)\n`,
  );
  process.exitCode = report.throughputRatio >= 0.85 && report.addedLatencyRatio <= 1.3 ? 0 : 1;
} finally {
  for (const child of children) child.kill();
  await peer?.stop();
}
