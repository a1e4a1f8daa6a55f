/** Who is told of guard's changes: a part of the wiring (compose.ts). */
import { createEventBridge } from "../adapters/event-bridge.ts";
import { createDatadogEvents } from "../adapters/events-datadog.ts";
import { type ConfiguredNotifier, createNotifiers } from "../adapters/notifiers.ts";
import { AlertDesk } from "../alerts/desk.ts";
import { toAlertSettings } from "../alerts/settings.ts";
import type { EventBus } from "../ports/event-bus.ts";
import type { Composition } from "./compose.ts";
import type { GuardComposition } from "./compose-guard.ts";
import { type GuardTold, tellGuard } from "./guard-told.ts";

/** By name of the target; nothing is read before one is opened or told. Errors: invalid-config. */
export async function guardNotifiers(
  { root, env, clock }: Composition,
  guard: GuardComposition,
): Promise<Readonly<Record<string, ConfiguredNotifier>>> {
  const { notifications, aws } = await guard.config();
  return createNotifiers({ targets: notifications.targets, env, root, clock, awsRegion: aws.region });
}

/** undefined: none is configured. Errors: invalid-config, credentials-over-http. */
export async function guardEventBus(
  { env, clock }: Composition,
  guard: GuardComposition,
): Promise<EventBus | undefined> {
  const { event_bus: bus, aws } = await guard.config();
  if (bus === undefined) return undefined;
  return createEventBridge({ bus: bus.name, region: bus.region ?? aws.region, endpoint: bus.endpoint, env, clock });
}

/** Errors: invalid-config, credentials-missing, credentials-over-http. */
export async function openTold(
  composition: Composition,
  guard: GuardComposition,
  signal: AbortSignal,
): Promise<GuardTold> {
  const { clock } = composition;
  const { notifications, metrics } = await guard.config();
  const desk = new AlertDesk({
    store: await guard.stateStore(),
    settings: toAlertSettings(notifications),
    notifiers: await guardNotifiers(composition, guard),
    clock,
  });
  const graphs = metrics.source === "datadog" ? createDatadogEvents(await guard.datadog()) : undefined;
  return tellGuard({ desk, bus: await guardEventBus(composition, guard), graphs, signal });
}
