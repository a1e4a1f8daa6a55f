/**
 * An open-loop load generator in a process of its own: requests start when the plan says so, however earlier ones fare.
 *
 *   node tools/load-generator/main.ts --url http://127.0.0.1:PORT --host agent.local [--platform gke] --rate 200 --seed 1 [--duration SECONDS] [--grace SECONDS] [--long-every SECONDS] [--long-duration SECONDS]
 *
 * Messages and commands: messages.ts. It ends with a summary after --duration, `stop`, SIGTERM, SIGINT or the end of stdin.
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { z } from "zod";
import { createClient } from "./client.ts";
import { commandSchema, type Message } from "./messages.ts";
import { type PlannedRequest, planLongRequest, planRequest } from "./plan.ts";
import { Recorder } from "./summary.ts";

const flagsSchema = z.object({
  url: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }),
  host: z.string().min(1).optional(),
  /** Chooses the platform on the balancer's dark route. */
  platform: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,20}$/, "must be a platform's name")
    .optional(),
  rate: z.coerce.number().min(0.1).max(20_000).default(200),
  seed: z.coerce.number().int().min(0).max(0xffffffff).default(1),
  /** s; undefined: until told to stop. */
  duration: z.coerce.number().min(0.1).max(86_400).optional(),
  /** s between the beginnings of long requests; undefined: none. */
  "long-every": z.coerce.number().min(0.1).max(3_600).optional(),
  /** s that a long request takes. */
  "long-duration": z.coerce.number().min(1).max(60).default(60),
  /** s that requests in flight are given at the end. */
  grace: z.coerce.number().min(0).max(600).default(7),
});

type Flags = z.infer<typeof flagsSchema>;

/** Wall clock with the monotonic clock's steps: latencies must not jump when the machine's time is set. */
const now = (): number => performance.timeOrigin + performance.now();

function write(message: Message): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function fail(message: string): never {
  process.stderr.write(`load-generator: ${message}\n`);
  process.exit(2);
}

function readFlags(): Flags {
  const text = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      options: {
        url: text,
        host: text,
        platform: text,
        rate: text,
        seed: text,
        duration: text,
        grace: text,
        "long-every": text,
        "long-duration": text,
      },
      strict: true,
    });
    const parsed = flagsSchema.safeParse(values);
    if (parsed.success) return parsed.data;
    return fail(parsed.error.issues.map((issue) => `--${issue.path.join(".")} ${issue.message}`).join("; "));
  } catch (error) {
    if (error instanceof TypeError) return fail(error.message);
    throw error;
  }
}

function run(flags: Flags): void {
  const url = new URL(flags.url);
  const client = createClient({ url, host: flags.host ?? url.host, platform: flags.platform, now });
  const startedAt = now();
  const cpuBefore = process.cpuUsage();
  const recorder = new Recorder(startedAt);
  const plan = { rate: flags.rate, seed: flags.seed };
  const endAt = flags.duration === undefined ? Number.POSITIVE_INFINITY : startedAt + flags.duration * 1_000;
  let next: PlannedRequest = planRequest(0, plan);
  const longPlan =
    flags["long-every"] === undefined
      ? undefined
      : { everyMs: flags["long-every"] * 1_000, durationMs: flags["long-duration"] * 1_000 };
  let nextLong: PlannedRequest | undefined = longPlan && planLongRequest(0, longPlan);
  let longSent = 0;
  let stopping = false;
  let sendTimer: NodeJS.Timeout | undefined;
  let graceTimer: NodeJS.Timeout | undefined;

  const finish = (): void => {
    clearInterval(progressTimer);
    clearTimeout(graceTimer);
    client.close();
    commands.close();
    process.stdin.destroy();
    const used = process.cpuUsage(cpuBefore);
    const endedAt = now();
    write(
      recorder.summary(endedAt, {
        cpuPercent: Math.round((used.user + used.system) / 10 / (endedAt - startedAt)),
        peakMemoryBytes: process.resourceUsage().maxRSS * 1_024,
      }),
    );
  };

  const finishIfIdle = (): void => {
    if (stopping && recorder.inFlight === 0) finish();
  };

  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    clearTimeout(sendTimer);
    if (recorder.inFlight === 0) finish();
    // Breaking off ends every request as the client's own failure, and the last one ends the run.
    else graceTimer = setTimeout(() => client.close(), flags.grace * 1_000);
  };

  const start = (request: PlannedRequest): void => {
    const intendedAt = startedAt + request.startMs;
    recorder.sent(request, intendedAt, now());
    client.send(request, intendedAt).then((observation) => {
      const failure = recorder.ended(observation);
      if (failure) write({ type: "failure", ...failure });
      finishIfIdle();
    });
  };

  const sendDue = (): void => {
    while (!stopping && startedAt + next.startMs <= now()) {
      if (startedAt + next.startMs > endAt) stop();
      else {
        start(next);
        next = planRequest(next.index + 1, plan);
      }
    }
    while (!stopping && longPlan !== undefined && nextLong !== undefined && startedAt + nextLong.startMs <= now()) {
      start(nextLong);
      longSent += 1;
      nextLong = planLongRequest(longSent, longPlan);
    }
    if (stopping) return;
    // A plan that goes beyond the end wakes once more there, to stop.
    sendTimer = setTimeout(
      sendDue,
      Math.max(0, startedAt + Math.min(next.startMs, nextLong?.startMs ?? next.startMs) - now()),
    );
  };

  const progressTimer = setInterval(() => write(recorder.progress(now())), 1_000);
  const commands = createInterface({ input: process.stdin });
  commands.on("line", (line) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      if (error instanceof SyntaxError) fail(`not a command: ${line}`);
      throw error;
    }
    const command = commandSchema.safeParse(value);
    if (!command.success) fail(`not a command: ${line}: ${z.prettifyError(command.error)}`);
    switch (command.data.type) {
      case "phase":
        return recorder.phase(command.data.name, now());
      case "crash":
        return recorder.crash(command.data);
      case "stop":
        return stop();
    }
  });
  commands.on("close", () => {
    if (flags.duration === undefined) stop();
  });
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  // Whoever read the messages is gone; there is nobody to report to.
  process.stdout.on("error", () => process.exit(1));

  write({ type: "ready", at: startedAt, pid: process.pid, url: flags.url, rate: flags.rate, seed: flags.seed });
  sendDue();
}

run(readFlags());
