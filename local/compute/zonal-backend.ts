import type { Endpoint } from "../autopilot/cluster.ts";
import type { Backend, Refusal, Reservation } from "../router/backend.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import { afterProbe, type EndpointHealth, type HealthCheckSettings, type Probe, unprobed } from "./health-check.ts";

export interface ZonalBackendSettings {
  readonly timeoutMs: number;
  /** Absent: every endpoint counts as healthy. */
  readonly healthCheck: HealthCheckSettings | undefined;
  /** least-request picks the endpoint with the fewest requests in flight, round-robin the next one. */
  readonly policy: "round-robin" | "least-request";
}

/** A backend service over zonal endpoint groups. The object stays the same while settings and endpoints change. */
export interface ZonalBackend extends Backend {
  configure(settings: ZonalBackendSettings): void;
  /** Requests in flight on endpoints that are no longer listed go on. */
  setEndpoints(endpoints: readonly Endpoint[]): void;
  health(): readonly { readonly pod: string; readonly state: EndpointHealth["state"] }[];
  /** Ends probing; from now on there is no healthy endpoint. */
  close(): void;
}

export interface ZonalBackendOptions {
  readonly name: string;
  readonly settings: ZonalBackendSettings;
  readonly clock: Clock;
  readonly probe: Probe;
}

interface Member {
  readonly endpoint: Endpoint;
  health: EndpointHealth;
  inFlight: number;
  timer: Timer | undefined;
  removed: boolean;
}

/** What the balancer answers itself when a backend service has no healthy endpoint. */
export const noHealthyUpstream: Refusal = {
  kind: "refusal",
  status: 503,
  headers: [["content-type", "text/plain"]],
  body: "no healthy upstream",
};

export function createZonalBackend(options: ZonalBackendOptions): ZonalBackend {
  let settings = options.settings;
  let members: readonly Member[] = [];
  /** Of these, those that get traffic; kept so that a request costs no search. */
  let healthy: readonly Member[] = [];
  let next = 0;
  /** Rises when the health check changes, so that answers to probes of the old one are dropped. */
  let checkVersion = 0;

  const isHealthy = (member: Member): boolean =>
    settings.healthCheck === undefined || member.health.state === "healthy";

  function refresh(): void {
    healthy = members.filter(isHealthy);
  }

  async function check(member: Member): Promise<void> {
    const asked = settings.healthCheck;
    if (asked === undefined) return;
    const version = checkVersion;
    const passed = await options.probe(member.endpoint.origin, asked);
    if (member.removed || version !== checkVersion) return;
    member.health = afterProbe(member.health, passed, asked);
    refresh();
    member.timer = options.clock.setTimeout(() => void check(member), asked.checkIntervalSec * 1000);
  }

  function remove(member: Member): void {
    member.removed = true;
    member.timer?.cancel();
  }

  function pick(): Member | undefined {
    if (healthy.length === 0) return undefined;
    next += 1;
    if (settings.policy === "round-robin") return healthy[next % healthy.length];
    // Starting at the next one spreads ties.
    let best = healthy[next % healthy.length];
    for (const member of healthy) if (best === undefined || member.inFlight < best.inFlight) best = member;
    return best;
  }

  return {
    name: options.name,
    get timeoutMs() {
      return settings.timeoutMs;
    },
    reserve(): Reservation | Refusal {
      const member = pick();
      if (member === undefined) return noHealthyUpstream;
      member.inFlight += 1;
      let released = false;
      return {
        kind: "reservation",
        origin: member.endpoint.origin,
        instance: member.endpoint.pod,
        requestHeaders: [],
        release() {
          if (released) return;
          released = true;
          member.inFlight -= 1;
        },
      };
    },
    configure(wanted) {
      const probed = JSON.stringify(settings.healthCheck) !== JSON.stringify(wanted.healthCheck);
      settings = wanted;
      refresh();
      if (!probed) return;
      checkVersion += 1;
      for (const member of members) {
        member.timer?.cancel();
        void check(member);
      }
    },
    setEndpoints(endpoints) {
      const kept = new Map(members.map((member) => [keyOf(member.endpoint), member]));
      const added: Member[] = [];
      members = endpoints.map((endpoint) => {
        const known = kept.get(keyOf(endpoint));
        kept.delete(keyOf(endpoint));
        if (known !== undefined) return known;
        const member: Member = { endpoint, health: unprobed, inFlight: 0, timer: undefined, removed: false };
        added.push(member);
        return member;
      });
      for (const member of kept.values()) remove(member);
      refresh();
      for (const member of added) void check(member);
    },
    health: () =>
      members.map((member) => ({
        pod: member.endpoint.pod,
        state: isHealthy(member) ? ("healthy" as const) : member.health.state,
      })),
    close() {
      for (const member of members) remove(member);
      members = [];
      healthy = [];
    },
  };
}

function keyOf(endpoint: Endpoint): string {
  return `${endpoint.pod} ${endpoint.origin}`;
}
