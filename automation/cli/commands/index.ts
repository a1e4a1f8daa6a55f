/** Every command, by its words. A process that runs one loads that one: to load them all takes longer than most of them do. */
import type { Command } from "@oclif/core";

type CommandClass = Command.Class & { readonly mutates: boolean | undefined };

const files: Readonly<Record<string, () => Promise<{ readonly default: CommandClass }>>> = {
  "agent:call": () => import("./agent/call.ts"),
  "agent:health": () => import("./agent/health.ts"),
  "agent:info": () => import("./agent/info.ts"),
  "agent:metrics": () => import("./agent/metrics.ts"),
  "audit:set-aside": () => import("./audit/set-aside.ts"),
  "audit:show": () => import("./audit/show.ts"),
  "audit:verify": () => import("./audit/verify.ts"),
  "alert:list": () => import("./alert/list.ts"),
  "alert:resolve": () => import("./alert/resolve.ts"),
  "alert:retry": () => import("./alert/retry.ts"),
  "alert:silence": () => import("./alert/silence.ts"),
  "alert:test": () => import("./alert/test.ts"),
  "alert:unsilence": () => import("./alert/unsilence.ts"),
  cost: () => import("./cost.ts"),
  "cost:veto": () => import("./cost/veto.ts"),
  "cost:watch": () => import("./cost/watch.ts"),
  compare: () => import("./compare.ts"),
  demo: () => import("./demo.ts"),
  destroy: () => import("./destroy.ts"),
  doctor: () => import("./doctor.ts"),
  "failover:run": () => import("./failover/run.ts"),
  "failover:watch": () => import("./failover/watch.ts"),
  "guard:validate": () => import("./guard/validate.ts"),
  health: () => import("./health.ts"),
  "guard:bundle": () => import("./guard/bundle.ts"),
  "guard:check": () => import("./guard/check.ts"),
  "guard:diff": () => import("./guard/diff.ts"),
  "guard:drill": () => import("./guard/drill.ts"),
  "guard:gate": () => import("./guard/gate.ts"),
  "guard:import-config": () => import("./guard/import-config.ts"),
  "guard:list": () => import("./guard/list.ts"),
  "guard:listen": () => import("./guard/listen.ts"),
  "guard:monitor": () => import("./guard/monitor.ts"),
  "guard:plan": () => import("./guard/plan.ts"),
  "guard:registry:add": () => import("./guard/registry/add.ts"),
  "guard:registry:export": () => import("./guard/registry/export.ts"),
  "guard:registry:import": () => import("./guard/registry/import.ts"),
  "guard:registry:remove": () => import("./guard/registry/remove.ts"),
  "guard:registry:show": () => import("./guard/registry/show.ts"),
  "guard:registry:update": () => import("./guard/registry/update.ts"),
  "guard:resume": () => import("./guard/resume.ts"),
  "guard:rollback": () => import("./guard/rollback.ts"),
  "guard:run": () => import("./guard/run.ts"),
  "guard:status": () => import("./guard/status.ts"),
  "guard:sources": () => import("./guard/sources.ts"),
  "image:build": () => import("./image/build.ts"),
  init: () => import("./init.ts"),
  "local:env": () => import("./local/env.ts"),
  "local:start": () => import("./local/start.ts"),
  "local:status": () => import("./local/status.ts"),
  "local:stop": () => import("./local/stop.ts"),
  metrics: () => import("./metrics.ts"),
  outputs: () => import("./outputs.ts"),
  preview: () => import("./preview.ts"),
  refresh: () => import("./refresh.ts"),
  scan: () => import("./scan.ts"),
  select: () => import("./select.ts"),
  stacks: () => import("./stacks.ts"),
  "swap:abort": () => import("./swap/abort.ts"),
  "swap:decommission": () => import("./swap/decommission.ts"),
  "swap:extend-bake": () => import("./swap/extend-bake.ts"),
  "swap:drill": () => import("./swap/drill.ts"),
  "swap:history": () => import("./swap/history.ts"),
  "swap:pause": () => import("./swap/pause.ts"),
  "swap:plan": () => import("./swap/plan.ts"),
  "swap:promote": () => import("./swap/promote.ts"),
  "swap:resume": () => import("./swap/resume.ts"),
  "swap:retry": () => import("./swap/retry.ts"),
  "swap:rollback": () => import("./swap/rollback.ts"),
  "swap:start": () => import("./swap/start.ts"),
  "swap:status": () => import("./swap/status.ts"),
  "swap:watch": () => import("./swap/watch.ts"),
  "swap:why": () => import("./swap/why.ts"),
  "state:migrate": () => import("./state/migrate.ts"),
  "state:set-aside": () => import("./state/set-aside.ts"),
  "traffic:set": () => import("./traffic/set.ts"),
  "traffic:show": () => import("./traffic/show.ts"),
  up: () => import("./up.ts"),
};

export const commandIds: readonly string[] = Object.keys(files);

/** What oclif is to find; whoever chooses nothing gets every command. */
let chosen = commandIds;

/** Before oclif looks for commands: those that this command line needs. */
export function chooseCommands(argv: readonly string[]): void {
  chosen = neededCommands(argv);
}

/** The commands by their ids; default those that were chosen. */
export async function loadCommands(ids: readonly string[] = chosen): Promise<Readonly<Record<string, CommandClass>>> {
  const load = async (id: string) => [id, (await files[id]?.())?.default] as const;
  const loaded = await Promise.all(ids.map(load));
  return Object.fromEntries(loaded.flatMap(([id, command]) => (command === undefined ? [] : [[id, command]])));
}

/** The one command that the command line names; all where it asks for help or has a typo. */
export function neededCommands(argv: readonly string[]): readonly string[] {
  if (argv[0] === "--version") return [];
  if (argv.includes("--help")) return commandIds;
  for (let words = 3; words > 0; words -= 1) {
    const id = argv.slice(0, words).join(":");
    if (Object.hasOwn(files, id)) return [id];
  }
  return commandIds;
}
