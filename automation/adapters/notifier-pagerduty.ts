/** PagerDuty, by its Events API v2: a trigger per alert, the same incident by its dedup_key, a resolve at the end. */
import type { Notice, Notifier } from "../ports/notifier.ts";
import { type NotifierTiming, postNotice } from "./notifier-request.ts";

/** PagerDuty's own bounds. */
const summaryMost = 1_024;
const keyMost = 255;

const endpoints = {
  us: "https://events.pagerduty.com/v2/enqueue",
  eu: "https://events.eu.pagerduty.com/v2/enqueue",
} as const;

export interface PagerDutyOptions extends NotifierTiming {
  readonly routingKey: string;
  readonly region: keyof typeof endpoints;
  /** Another address of the Events API, whole. */
  readonly endpoint?: string | undefined;
}

export function createPagerDutyNotifier({ routingKey, region, endpoint, ...timing }: PagerDutyOptions): Notifier {
  const url = new URL(endpoint ?? endpoints[region]);
  const send = (action: "trigger" | "resolve", notice: Notice, signal: AbortSignal | undefined) => {
    const body = JSON.stringify({ routing_key: routingKey, ...event(action, notice) });
    return postNotice({ url, body, secrets: [routingKey] }, timing, signal);
  };
  return {
    description: `PagerDuty at ${url.host}`,
    async notify(notice, signal) {
      const delivery = await send(notice.kind === "resolve" ? "resolve" : "trigger", notice, signal);
      // Nobody is to close an incident that is over as soon as it is said.
      return delivery.delivered && notice.momentary && notice.kind !== "resolve"
        ? send("resolve", notice, signal)
        : delivery;
    },
  };
}

function event(action: "trigger" | "resolve", { kind, why, alert }: Notice) {
  const base = { event_action: action, dedup_key: alert.dedupKey.slice(0, keyMost) };
  if (action === "resolve") return base;
  const { title, severity, environment, platform, swap, code, detail, next, at } = alert;
  return {
    ...base,
    client: "Switchyard",
    payload: {
      summary: title.slice(0, summaryMost),
      source: platform === undefined ? environment : `${environment}/${platform}`,
      // info, warning and critical are PagerDuty's own words, too.
      severity,
      timestamp: new Date(at).toISOString(),
      component: platform ?? environment,
      group: environment,
      class: code,
      custom_details: { told: kind, why, detail, next, ...(swap === undefined ? {} : { swap }) },
    },
  };
}
