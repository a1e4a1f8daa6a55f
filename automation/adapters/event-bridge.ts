/** An event bus of Amazon EventBridge. The only importer of its client. */
import type { EventBridgeClient, PutEventsRequestEntry, PutEventsResultEntry } from "@aws-sdk/client-eventbridge";
import type { Clock } from "../ports/clock.ts";
import type { BusEvent, EventBus, Published } from "../ports/event-bus.ts";
import {
  type AwsPlace,
  awsEndpoint,
  awsLogin,
  awsTimeouts,
  confidentialOnly,
  confidentialStep,
  isCredentialsError,
  isNamed,
  secretsOf,
} from "./aws-client.ts";
import { errorWithoutSecrets } from "./without-secrets.ts";

/** What one request takes. */
const mostEntries = 10;
const mostBytes = 262_144;
/** The time of an entry, as AWS counts it. */
const timeBytes = 14;

const place: AwsPlace = Object.freeze({
  service: "EventBridge",
  setting: "guard.event_bus.endpoint",
  variable: "AWS_ENDPOINT_URL_EVENTBRIDGE",
});

export interface EventBridgeOptions {
  /** Name or ARN of the bus. */
  readonly bus: string;
  /** Who the events are from. Default switchyard.guard. */
  readonly source?: string;
  /** Default AWS_REGION, then AWS_DEFAULT_REGION, then the profile's. */
  readonly region?: string | undefined;
  /** Another server than AWS's; default AWS_ENDPOINT_URL_EVENTBRIDGE. Plain HTTP only to this machine. */
  readonly endpoint?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Pick<Clock, "sleep">;
  /** Times an event is offered that the bus could take later. Default 4. */
  readonly attempts?: number;
  /** Before the second offer, ms, twice as long before each further one. Default 200. */
  readonly pauseMs?: number;
}

interface Connection {
  readonly client: EventBridgeClient;
  readonly sdk: typeof import("@aws-sdk/client-eventbridge");
}

interface Offer {
  readonly event: BusEvent;
  readonly entry: PutEventsRequestEntry;
  readonly bytes: number;
}

/** Errors: credentials-over-http, invalid-config, of the address; when it is made. */
export function createEventBridge(options: EventBridgeOptions): EventBus & { close(): Promise<void> } {
  const { bus, source = "switchyard.guard", env, clock, attempts = 4, pauseMs = 200 } = options;
  const region = options.region ?? (env["AWS_REGION"] || env["AWS_DEFAULT_REGION"] || undefined);
  const endpoint = options.endpoint ?? (env["AWS_ENDPOINT_URL_EVENTBRIDGE"] || undefined);
  const address = awsEndpoint(endpoint, place);
  let connecting: Promise<Connection> | undefined;

  const connect = (): Promise<Connection> => {
    connecting ??= open().catch((error: unknown) => {
      // The next call tries again.
      connecting = undefined;
      throw error;
    });
    return connecting;
  };

  async function open(): Promise<Connection> {
    const sdk = await import("@aws-sdk/client-eventbridge");
    const client = new sdk.EventBridgeClient({
      maxAttempts: 3,
      requestHandler: awsTimeouts,
      ...(region === undefined ? {} : { region }),
      ...address,
    });
    client.middlewareStack.add(confidentialOnly(place), confidentialStep);
    return { client, sdk };
  }

  /** What became of each entry, in their order. Rejects with the signal's reason. */
  async function put(offers: readonly Offer[], signal: AbortSignal | undefined): Promise<readonly Outcome[]> {
    let connection: Connection | undefined;
    try {
      connection = await connect();
      const command = new connection.sdk.PutEventsCommand({ Entries: offers.map(({ entry }) => entry) });
      const { Entries = [] } = await connection.client.send(
        command,
        signal === undefined ? {} : { abortSignal: signal },
      );
      // A reply that does not speak of every entry leaves the rest unknown, which is not sent.
      return offers.map((_, index) => outcomeOf(Entries[index]));
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      const apart = isNamed(thrown, "CredentialsProviderError");
      const client = connection?.client;
      const error = errorWithoutSecrets(thrown, apart ? [] : await secretsOf(async () => client?.config.credentials()));
      const told = error instanceof Error ? `${error.name}: ${error.message}` : "it failed";
      const why = isCredentialsError(error) ? `${told}. ${awsLogin}` : told;
      // The client has tried it again by itself.
      return offers.map(() => ({ kind: "refused", why }));
    }
  }

  /** Offers what may be taken later again, and only that. */
  async function deliver(offers: readonly Offer[], signal: AbortSignal | undefined): Promise<Published["failed"]> {
    const failed: Published["failed"][number][] = [];
    let open = offers;
    for (let attempt = 1; open.length > 0; attempt += 1) {
      const outcomes = await put(open, signal);
      const later: Offer[] = [];
      for (const [index, offer] of open.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined || outcome.kind === "sent") continue;
        if (outcome.kind === "later" && attempt < attempts) later.push(offer);
        else failed.push({ id: offer.event.id, why: outcome.why });
      }
      open = later;
      if (open.length > 0) await clock.sleep(pauseMs * 2 ** (attempt - 1), signal);
    }
    return failed;
  }

  return {
    description: `EventBridge bus ${bus}${region === undefined ? "" : ` in ${region}`}`,

    async publish(events, signal) {
      signal?.throwIfAborted();
      const offers = events.map((event) => offerOf(event, bus, source));
      const failed: Published["failed"][number][] = [];
      for (const batch of batches(offers.filter(({ bytes }) => bytes <= mostBytes)))
        failed.push(...(await deliver(batch, signal)));
      for (const { event, bytes } of offers)
        if (bytes > mostBytes)
          failed.push({ id: event.id, why: `it has ${bytes} bytes; an event may have ${mostBytes}` });
      return { sent: events.length - failed.length, failed };
    },

    async close() {
      if (connecting === undefined) return;
      const opened = await connecting.catch(() => undefined);
      opened?.client.destroy();
    },
  };
}

type Outcome = { readonly kind: "sent" } | { readonly kind: "later" | "refused"; readonly why: string };

/** Codes of entries that another offer may get through. */
const passing = ["ThrottlingException", "InternalFailure", "InternalException", "ServiceUnavailable"];

function outcomeOf(entry: PutEventsResultEntry | undefined): Outcome {
  if (entry?.EventId !== undefined) return { kind: "sent" };
  const { ErrorCode = "no answer", ErrorMessage } = entry ?? {};
  const why = ErrorMessage === undefined ? ErrorCode : `${ErrorCode}: ${ErrorMessage}`;
  return { kind: passing.includes(ErrorCode) || entry === undefined ? "later" : "refused", why };
}

function offerOf(event: BusEvent, bus: string, source: string): Offer {
  const detail = JSON.stringify({ id: event.id, ...event.detail });
  const texts = [source, event.type, detail];
  return {
    event,
    entry: { EventBusName: bus, Source: source, DetailType: event.type, Time: new Date(event.at), Detail: detail },
    bytes: timeBytes + texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0),
  };
}

/** In their order, each as much as one request takes. */
function batches(offers: readonly Offer[]): readonly (readonly Offer[])[] {
  const made: Offer[][] = [];
  let bytes = 0;
  for (const offer of offers) {
    const last = made.at(-1);
    if (last === undefined || last.length === mostEntries || bytes + offer.bytes > mostBytes) {
      made.push([offer]);
      bytes = offer.bytes;
    } else {
      last.push(offer);
      bytes += offer.bytes;
    }
  }
  return made;
}
