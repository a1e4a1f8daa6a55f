import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request as forward, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { type Message, messageSchema, type Summary } from "../../../tools/load-generator/messages.ts";
import { startAgentProcess } from "../../support/agent-process.ts";

const program = fileURLToPath(new URL("../../../tools/load-generator/main.ts", import.meta.url));
const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endings.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

interface Run {
  readonly child: ChildProcessWithoutNullStreams;
  readonly messages: readonly Message[];
  readonly errors: () => string;
  tell(command: object): void;
  until(found: (message: Message) => boolean): Promise<Message>;
  readonly exited: Promise<number | null>;
}

const start = (flags: readonly string[]): Run => {
  const child = spawn(process.execPath, [program, ...flags]);
  const messages: Message[] = [];
  const watchers = new Set<() => void>();
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    messages.push(messageSchema.parse(JSON.parse(line)));
    for (const watcher of watchers) watcher();
  });
  const exited = once(child, "close").then(([code]) => (code === null ? null : Number(code)));
  endings.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await exited;
  });
  return {
    child,
    messages,
    errors: () => errors,
    tell: (command) => void child.stdin.write(`${JSON.stringify(command)}\n`),
    until: (found) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const message = messages.find(found);
          if (message) resolve(message);
        };
        watchers.add(look);
        exited.then(() => reject(new Error(`the generator ended: ${errors}`)));
        look();
      }),
    exited,
  };
};

const summaryOf = (run: Run): Summary => {
  const last = run.messages.at(-1);
  if (last?.type !== "summary") throw new Error(`no summary: ${run.errors()}`);
  return last;
};

/** The agent behind a proxy that stamps the side, as the balancer does; `spoil` may answer itself. */
const startAgent = async (spoil: (index: number) => RequestListener | undefined = () => undefined): Promise<string> => {
  const agent = await startAgentProcess({ KUBERNETES_SERVICE_HOST: "10.0.0.1", POD_NAME: "pod-1" });
  endings.push(() => agent.end());
  let index = 0;
  return serve((incoming, outgoing) => {
    index += 1;
    const own = spoil(index);
    if (own) {
      own(incoming, outgoing);
      return;
    }
    const target = forward(
      `${agent.url}${incoming.url}`,
      { method: incoming.method, headers: incoming.headers },
      (reply) => {
        outgoing.writeHead(reply.statusCode ?? 502, { ...reply.headers, "x-switchyard-side": "gke" });
        reply.pipe(outgoing);
      },
    );
    target.on("error", () => outgoing.destroy());
    incoming.pipe(target);
  });
};

describe("the load generator", () => {
  test("for a duration: sends the whole plan, waits for the slow ones, sums up, ends with 0", async () => {
    const url = await startAgent();
    const run = start(["--url", url, "--host", "agent.local", "--rate", "50", "--seed", "3", "--duration", "2"]);
    run.child.stdin.end();
    expect(await run.exited).toBe(0);
    const summary = summaryOf(run);
    expect(summary).toMatchObject({ sent: 100, ended: 100, failed: 0 });
    expect(summary.kinds.slow.sent + summary.kinds.stream.sent).toBeGreaterThan(0);
    expect(summary.sides["gke"]?.ended).toBe(100);
    expect(run.messages[0]).toMatchObject({ type: "ready", rate: 50, seed: 3, pid: run.child.pid });
    expect(run.messages.filter((message) => message.type === "progress").length).toBeGreaterThanOrEqual(2);
  });

  test("failures are told at once and attributed: the agent's with marker, the swap's without", async () => {
    const marks = { "x-switchyard-side": "gke", "x-kiro-instance": "gke/pod-1" };
    const url = await startAgent((index) => {
      if (index === 5) return (_, reply) => reply.writeHead(500, marks).end("{}");
      if (index === 10) return (_, reply) => reply.writeHead(502, { "x-switchyard-side": "gke" }).end("no");
      if (index === 15) return (_, reply) => void reply.destroy();
      if (index === 20) return (_, reply) => void reply.writeHead(200, marks).write("{", () => reply.destroy());
      return undefined;
    });
    const run = start(["--url", url, "--rate", "50", "--seed", "3", "--grace", "0.1"]);
    await run.until((message) => message.type === "progress" && message.failed === 4);
    run.tell({ type: "stop" });
    expect(await run.exited).toBe(0);
    expect(summaryOf(run).failures).toMatchObject({ swap: 3, agent: { gke: 1 }, crash: {} });
    const told = run.messages.filter((message) => message.type === "failure" && message.attribution !== "client");
    expect(
      told.flatMap((failure) => (failure.type === "failure" ? [[failure.problem, failure.attribution]] : [])).sort(),
    ).toEqual([
      ["reset", "swap"],
      ["status", "agent"],
      ["status", "swap"],
      ["truncated", "swap"],
    ]);
  });

  test("it is an open loop: a server that stands still does not slow it down, and the wait counts from the plan", async () => {
    const waiting: (() => void)[] = [];
    let released = false;
    const url = await serve((incoming, reply) => {
      incoming.resume();
      const answer = (): void => void reply.writeHead(500).end();
      if (released) answer();
      else waiting.push(answer);
    });
    const run = start(["--url", url, "--rate", "100", "--seed", "1"]);
    const held = await run.until((message) => message.type === "progress" && message.sent >= 150);
    if (held.type !== "progress") throw new Error("no progress");
    expect(held.inFlight).toBeGreaterThan(140);
    released = true;
    for (const answer of waiting) answer();
    await run.until((message) => message.type === "progress" && message.ended >= 200);
    run.tell({ type: "stop" });
    expect(await run.exited).toBe(0);
    const summary = summaryOf(run);
    expect(summary.sent).toBe(summary.ended);
    expect(summary.longestStallMs).toBeGreaterThan(1_000);
    expect(summary.lagMs.p99).toBeLessThan(500);
  });

  test("phases and crashes come over stdin", async () => {
    let spoiled = 0;
    const url = await startAgent((index) => {
      if (index !== 30) return undefined;
      spoiled = Date.now();
      return (_, reply) => reply.writeHead(502, { "x-switchyard-side": "gke" }).end();
    });
    const run = start(["--url", url, "--rate", "50", "--seed", "3", "--grace", "0.1"]);
    await run.until((message) => message.type === "ready");
    run.tell({ type: "phase", name: "act 1" });
    await run.until((message) => message.type === "failure");
    run.tell({ type: "phase", name: "act 2" });
    run.tell({ type: "crash", instance: "pod-1", platform: "gke", at: spoiled });
    run.tell({ type: "stop" });
    expect(await run.exited).toBe(0);
    const summary = summaryOf(run);
    expect(summary.failures).toMatchObject({ swap: 0, agent: {}, crash: { gke: 1 } });
    expect(summary.phases.map((phase) => [phase.name, phase.failures.crash])).toEqual([
      ["act 1", { gke: 1 }],
      ["act 2", {}],
    ]);
  });

  test.each([
    ["the end of stdin", (run: Run) => void run.child.stdin.end()],
    ["SIGTERM", (run: Run) => void run.child.kill("SIGTERM")],
    ["SIGINT", (run: Run) => void run.child.kill("SIGINT")],
  ])("%s ends it with a summary, and what is in flight gets its grace", async (_what, end) => {
    const url = await startAgent();
    const run = start(["--url", url, "--rate", "50", "--seed", "3", "--grace", "0.2"]);
    await run.until((message) => message.type === "progress" && message.inFlight > 0);
    end(run);
    expect(await run.exited).toBe(0);
    const summary = summaryOf(run);
    expect(summary.ended).toBe(summary.sent);
    expect(summary.failures).toMatchObject({ swap: 0, agent: {}, crash: {} });
    expect(summary.failures.client).toBeGreaterThan(0);
  });

  test("it ends when nobody reads it any more", async () => {
    const url = await startAgent();
    const run = start(["--url", url, "--rate", "50", "--seed", "3", "--duration", "600"]);
    await run.until((message) => message.type === "ready");
    run.child.stdout.destroy();
    expect(await run.exited).toBe(1);
  });

  test.each([
    [[], "--url"],
    [["--url", "ftp://x"], "--url must be an http or https URL"],
    [["--url", "http://127.0.0.1:1", "--rate", "0"], "--rate"],
    [["--url", "http://127.0.0.1:1", "--speed", "9"], "--speed"],
  ])("flags %j are refused with 2 and a line that names the flag", async (flags, text) => {
    const run = start(flags);
    expect(await run.exited).toBe(2);
    expect(run.errors()).toContain(text);
  });
});
