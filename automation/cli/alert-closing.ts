/** How a command ends with its alerts: what went wrong is told, and what waits is sent, in bounded time. */
import { commandAlerts } from "../alerts/from-error.ts";
import { SwitchyardError } from "../errors.ts";
import { deskWarnings } from "./alert-view.ts";
import type { Environment } from "./compose.ts";

/** A command ends at most so much later because of its alerts, ms. */
const closingMs = 3_000;

type Opened = Pick<Environment, "name" | "config" | "alerts">;

/** Warnings about targets that are down. Never throws what the alerts themselves meet. */
export async function closeAlerts(opened: readonly Opened[], thrown: unknown): Promise<readonly string[]> {
  // An error belongs to the environment that was asked for last.
  const last = opened.at(-1);
  if (last !== undefined) last.alerts().take(commandAlerts(thrown, last.name, Date.now()));
  const warnings: string[] = [];
  const used = new Set(opened.filter((one) => one.alerts().used).map(({ name }) => name));
  for (const environment of opened) {
    const desk = environment.alerts();
    if (!desk.used && (used.has(environment.name) || !worthALook(environment))) continue;
    used.add(environment.name);
    try {
      warnings.push(
        ...deskWarnings(await desk.close(closingMs), `npx switchyard alert retry --env ${environment.name}`),
      );
    } catch (error) {
      if (!(error instanceof SwitchyardError)) throw error;
      warnings.push(`alerts of ${environment.name}: ${error.message}`);
    }
  }
  return [...new Set(warnings)];
}

/** Whether an earlier command may have left something to send. A local cloud is not started for that. */
function worthALook({ config }: Opened): boolean {
  const { targets = [] } = config.alerts ?? {};
  return targets.length > 0 && !(config.cloud === "local" && config.state?.store === "dynamodb");
}
