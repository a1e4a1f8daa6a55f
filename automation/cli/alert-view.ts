/** Alerts as data for --json and as text for people. Pure. */
import type { AlertBook, AlertRecord } from "../alerts/book.ts";
import type { DeskReport } from "../alerts/desk.ts";
import { troubles } from "../alerts/outbox.ts";
import type { AlertSettings } from "../alerts/settings.ts";
import { dateAndTime, duration, plural, table } from "./text.ts";

/** `retry`: the command that sends what waits, where there is one. */
export function deskWarnings({ troubles: down, unkept }: DeskReport, retry?: string): readonly string[] {
  return [
    ...down.map(
      ({ target, failure, waiting }) =>
        `alert target ${target} did not take what it is to be told: ${failure ?? "unknown reason"}. ${plural(waiting, "notice")} kept, sent again by the next command${retry === undefined ? "" : ` and by ${retry}`}`,
    ),
    ...(unkept === undefined
      ? []
      : [`alerts could not be kept, so each target was told once and is not told again if it was down: ${unkept}`]),
  ];
}

export interface AlertView {
  readonly id: string;
  readonly code: string;
  readonly severity: string;
  readonly state: "open" | "silenced" | "flapping" | "over";
  readonly platform: string | undefined;
  readonly swap: string | undefined;
  readonly title: string;
  readonly detail: string;
  readonly next: readonly string[];
  readonly count: number;
  readonly raisedAt: string;
  readonly endedAt: string | undefined;
  readonly tier: number;
  readonly told: readonly string[];
  /** Targets that have not taken something of it yet. */
  readonly waiting: readonly string[];
  readonly dedupKey: string;
}

export interface SilenceView {
  readonly id: string;
  readonly code: string | undefined;
  readonly platform: string | undefined;
  readonly until: string;
  readonly by: string;
  readonly why: string;
}

export interface TargetView {
  readonly name: string;
  readonly tier: number;
  readonly severities: readonly string[];
  readonly state: "ready" | "down";
  readonly waiting: number;
  readonly failure: string | undefined;
  readonly failingSince: string | undefined;
  readonly nextTryAt: string | undefined;
}

export interface AlertsView {
  readonly environment: string;
  /** Newest first. */
  readonly alerts: readonly AlertView[];
  readonly silences: readonly SilenceView[];
  readonly targets: readonly TargetView[];
  /** Notices that no target took within a week, or that it refused. */
  readonly givenUp: number;
}

const iso = (at: number | undefined): string | undefined => (at === undefined ? undefined : new Date(at).toISOString());

export function alertView(record: AlertRecord, book: AlertBook): AlertView {
  const { id, alert, count, raisedAt, resolvedAt, tier, told, flapping, silencedBy } = record;
  const { code, severity, platform, swap, title, detail, next, dedupKey } = alert;
  const over = resolvedAt === undefined ? (silencedBy === undefined ? "open" : "silenced") : "over";
  const waiting = book.outbox.filter((one) => one.record === id).map(({ target }) => target);
  return {
    id,
    code,
    severity,
    state: flapping ? "flapping" : over,
    platform,
    swap,
    title,
    detail,
    next,
    count,
    raisedAt: new Date(raisedAt).toISOString(),
    endedAt: iso(resolvedAt),
    tier,
    told,
    waiting: [...new Set(waiting)],
    dedupKey,
  };
}

export function alertsView(
  environment: string,
  book: AlertBook,
  settings: AlertSettings,
  now: number,
  everything: boolean,
): AlertsView {
  const down = troubles(book);
  const declared = settings.silences.map((silence, index) => ({
    ...silence,
    id: `file-${index + 1}`,
    by: "switchyard.yaml",
  }));
  const alerts = book.records.toReversed().map((record) => alertView(record, book));
  return {
    environment,
    alerts: everything ? alerts : alerts.filter(({ state, waiting }) => state !== "over" || waiting.length > 0),
    silences: [...book.silences, ...declared]
      .filter(({ until }) => until > now)
      .map(({ id, code, platform, until, by, why }) => ({
        id,
        code,
        platform,
        until: new Date(until).toISOString(),
        by,
        why,
      })),
    targets: settings.targets.map(({ name, tier, severities }): TargetView => {
      const trouble = down.find(({ target }) => target === name);
      return {
        name,
        tier,
        severities,
        state: trouble === undefined ? "ready" : "down",
        waiting: book.outbox.filter(({ target }) => target === name).length,
        failure: trouble?.failure,
        failingSince: iso(trouble?.failingSince),
        nextTryAt: iso(trouble?.nextTryAt),
      };
    }),
    givenUp: book.givenUp,
  };
}

export function describeAlerts(view: AlertsView, now: number): readonly string[] {
  const { environment, alerts, silences, targets, givenUp } = view;
  const when = (text: string): string => dateAndTime(Date.parse(text));
  const lines: string[] = [];
  if (alerts.length === 0) lines.push(`Nothing is open in ${environment}.`);
  else {
    lines.push(
      ...table(
        ["no", "severity", "code", "state", "since", "times", "waits for", "what"],
        alerts.map(({ id, severity, code, state, raisedAt, count, waiting, title }) => [
          id,
          severity,
          code,
          state,
          when(raisedAt),
          String(count),
          waiting.join(", "),
          title,
        ]),
      ),
    );
  }
  for (const { id, code, platform, until, by, why } of silences) {
    const what = [code ?? "every alert", ...(platform === undefined ? [] : [`of ${platform}`])].join(" ");
    lines.push(`Silence ${id}: ${what} until ${when(until)}, by ${by}: ${why}`);
  }
  for (const { name, failure, failingSince, nextTryAt, waiting, state } of targets) {
    if (state === "ready") continue;
    const since = failingSince === undefined ? "" : ` for ${duration(now - Date.parse(failingSince))}`;
    const next = nextTryAt === undefined ? "" : `; asked again from ${when(nextTryAt)}`;
    lines.push(`Target ${name} has been down${since} (${failure}); ${plural(waiting, "notice")} kept${next}`);
  }
  if (targets.length === 0)
    lines.push("Nobody is told: switchyard.yaml names no target under alerts of this environment.");
  if (givenUp > 0)
    lines.push(`${plural(givenUp, "notice")} given up: no target took them within a week, or it refused them.`);
  return lines;
}
