import { Flags } from "@oclif/core";
import { SwitchyardError } from "../../../errors.ts";
import { type BatchResult, describeBatch, GuardRunCommand, maxConcurrentFlag } from "../../guard-run-command.ts";
import { withFlags } from "../../guard-run-flags.ts";

interface Listened {
  readonly url: string;
  /** How the last monitor of each batch ended. */
  readonly batches: readonly BatchResult[];
}

export default class GuardListen extends GuardRunCommand<Listened> {
  static override mutates = true;
  static override summary = "Wait for hooks of merged branches, and monitor their batches in this process.";
  static override description =
    "A merge request hook of GitLab (token in X-Gitlab-Token) or an event of EventBridge by an API destination (Authorization: Bearer) whose merged branch is one of guard's starts what guard monitor does, one at a time for a batch. A batch that another process drives is left to it. Who sends a hook proves it with the token of guard.listen.token_from; what a hook says is only which batch to look at. It listens on this machine: put something with TLS in front. Ctrl-C ends it; the next monitor goes on.";
  static override examples = ["<%= config.bin %> guard listen --port 8080"];
  static override flags = {
    port: Flags.integer({ description: "Port; 0 takes one that is free.", required: true, min: 0, max: 65_535 }),
    host: Flags.string({ description: "Address to listen at.", default: "127.0.0.1" }),
    "max-concurrent": maxConcurrentFlag,
  };

  protected override async execute(): Promise<Listened> {
    const { flags } = await this.parse(GuardListen);
    const { port, host } = flags;
    const [guard, settings, { openHooks }] = await Promise.all([
      this.guard(),
      this.settings((config) => withFlags(config, flags)),
      import("../../compose-guard-hooks.ts"),
    ]);
    const batches = new Map<string, BatchResult>();
    const server = await openHooks(guard, {
      host,
      port,
      start: async (batch, { branch, repository }) => {
        this.progress(`${branch} of ${repository} is merged: ${batch} is monitored`);
        const plan = await this.planOf(batch, undefined);
        const end = await this.driveUnlessDriven({ batch, plan, settings, start: false, until: "end" });
        batches.set(batch, end);
        for (const line of describeBatch(end)) this.progress(line);
      },
      failed: (batch, error) => {
        if (this.signal.aborted) return;
        const why = error instanceof SwitchyardError ? `${error.code}: ${error.message}` : String(error);
        this.addWarning(`${batch} could not be monitored to its end: ${why}`);
      },
    });
    try {
      this.progress(`Listens at ${server.url}`);
      await stopped(this.signal);
    } finally {
      await server.close();
    }
    return { url: server.url, batches: [...batches.values()] };
  }

  protected override describe({ batches }: Listened): readonly string[] {
    return batches.flatMap(describeBatch);
  }
}

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
