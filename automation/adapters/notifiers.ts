/** The alert targets that a configuration names, with their secrets read when something is sent. */
import { join } from "node:path";
import { SwitchyardError } from "../errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { Notifier } from "../ports/notifier.ts";
import { createPagerDutyNotifier } from "./notifier-pagerduty.ts";
import { secretUrl, undelivered } from "./notifier-request.ts";
import { createSlackNotifier } from "./notifier-slack.ts";
import { createWebhookNotifier } from "./notifier-webhook.ts";
import { readSecret } from "./secret-reference.ts";

/** An entry of `environments.X.alerts.targets`. */
export type NotifierConfig =
  | {
      readonly kind: "webhook";
      readonly name: string;
      readonly url_from: string;
      readonly secret_from?: string | undefined;
    }
  | { readonly kind: "slack"; readonly name: string; readonly url_from: string }
  | {
      readonly kind: "pagerduty";
      readonly name: string;
      readonly routing_key_from: string;
      readonly region: "us" | "eu";
    };

export interface NotifiersOptions {
  readonly targets: readonly NotifierConfig[];
  /** Holds the secrets that the configuration names, and credentials for Secret Manager. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The checkout: `file:` is below it unless it begins with a slash. */
  readonly root: string;
  readonly clock: Pick<Clock, "wall">;
  readonly timeoutMs?: number | undefined;
}

/** By name. Nothing is read or asked yet: a secret that is missing is a delivery that fails, and the other targets work. */
export function createNotifiers(options: NotifiersOptions): Readonly<Record<string, Notifier>> {
  return Object.fromEntries(options.targets.map((target) => [target.name, createNotifier(target, options)]));
}

function createNotifier(target: NotifierConfig, options: NotifiersOptions): Notifier {
  let made: Promise<Notifier> | undefined;
  return {
    description: `${target.kind} ${target.name}`,
    async notify(notice, signal) {
      made ??= connect(target, options);
      let notifier: Notifier;
      try {
        notifier = await made;
      } catch (error) {
        made = undefined;
        if (error instanceof SwitchyardError) return undelivered(error.message);
        throw error;
      }
      return notifier.notify(notice, signal);
    },
  };
}

/** Errors: credentials-missing, credentials-over-http, invalid-config. */
async function connect(target: NotifierConfig, { env, root, clock, timeoutMs }: NotifiersOptions): Promise<Notifier> {
  const secret = (reference: string): Promise<string> =>
    readSecret(reference, { env, pathOf: (path) => (path.startsWith("/") ? path : join(root, path)) });
  const timing = { clock, timeoutMs };
  switch (target.kind) {
    case "webhook":
      return createWebhookNotifier({
        ...timing,
        url: secretUrl(await secret(target.url_from), target.url_from),
        secret: target.secret_from === undefined ? undefined : await secret(target.secret_from),
      });
    case "slack":
      return createSlackNotifier({ ...timing, url: secretUrl(await secret(target.url_from), target.url_from) });
    case "pagerduty":
      return createPagerDutyNotifier({
        ...timing,
        routingKey: await secret(target.routing_key_from),
        region: target.region,
        endpoint: env["PAGERDUTY_EVENTS_URL"] === "" ? undefined : env["PAGERDUTY_EVENTS_URL"],
      });
  }
}
