/** Who is told in a drill. The alerts, their desk and its outbox are the real ones; the target takes everything. */
import { AlertDesk } from "../alerts/desk.ts";
import type { TakeAlerts } from "../alerts/listeners.ts";
import { alertsConfig, toAlertSettings } from "../alerts/settings.ts";
import { type Notice, type Notifier, severities } from "../ports/notifier.ts";
import type { SimulatedWorld } from "./simulation/world.ts";

/** The one target of a drill; it hears everything, at once. */
const settings = toAlertSettings(
  alertsConfig.parse({
    targets: [{ name: "drill", kind: "webhook", url_from: "DRILL", severities: [...severities] }],
  }),
);

/** Every process has a desk of its own; they share the world's state store. */
export class DrillAlerts {
  readonly told: Notice[] = [];
  readonly #world: SimulatedWorld;
  readonly #notifier: Notifier = {
    description: "drill",
    notify: async (notice) => {
      this.told.push(notice);
      return { delivered: true };
    },
  };

  constructor(world: SimulatedWorld) {
    this.#world = world;
  }

  /** For one process. */
  desk(): TakeAlerts {
    const { store, clock } = this.#world;
    return new AlertDesk({ store, settings, notifiers: { drill: this.#notifier }, clock }).take;
  }
}
