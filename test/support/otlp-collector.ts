/** A collector of traces for tests: OTLP over HTTP as JSON, checked against the protocol's shapes. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

const id = (digits: number) => z.string().regex(new RegExp(`^(?!0{${digits}})[0-9a-f]{${digits}}$`));
const nanoseconds = z.string().regex(/^\d{19}$/);
const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: z.union([z.string(), z.number()]) }),
  z.strictObject({ doubleValue: z.number() }),
  z.strictObject({ boolValue: z.boolean() }),
]);
const attributes = z
  .array(z.object({ key: z.string(), value }))
  .transform((pairs) => Object.fromEntries(pairs.map((pair) => [pair.key, Object.values(pair.value)[0]])));

const span = z.object({
  traceId: id(32),
  spanId: id(16),
  parentSpanId: id(16).optional(),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: nanoseconds,
  endTimeUnixNano: nanoseconds,
  attributes,
  events: z.array(z.object({ name: z.string(), timeUnixNano: nanoseconds, attributes })).default([]),
  links: z.array(z.object({ traceId: id(32), spanId: id(16) })).default([]),
  status: z.object({ code: z.number().optional(), message: z.string().optional() }).default({}),
});

const request = z.object({
  resourceSpans: z.array(
    z.object({ resource: z.object({ attributes }), scopeSpans: z.array(z.object({ spans: z.array(span) })) }),
  ),
});

export type CollectedSpan = z.infer<typeof span> & { readonly service: string };

export interface OtlpCollector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string;
  readonly spans: readonly CollectedSpan[];
  /** Bodies as they came. */
  readonly text: string;
  /** Headers of the last request. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** What arrived that is no OTLP. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

/** `answer` 0 leaves requests without any. */
export async function startCollector({ answer = 200 } = {}): Promise<OtlpCollector> {
  const spans: CollectedSpan[] = [];
  const problems: string[] = [];
  let text = "";
  let headers: OtlpCollector["headers"] = {};
  const server = createServer((incoming, response) => {
    let body = "";
    incoming.setEncoding("utf8");
    incoming.on("data", (chunk: string) => {
      body += chunk;
    });
    incoming.on("end", () => {
      headers = incoming.headers;
      text += body;
      const parsed = request.safeParse(JSON.parse(body));
      if (incoming.url !== "/v1/traces") problems.push(`path ${incoming.url}`);
      if (!parsed.success) problems.push(z.prettifyError(parsed.error));
      for (const { resource, scopeSpans } of parsed.data?.resourceSpans ?? [])
        for (const scope of scopeSpans)
          spans.push(...scope.spans.map((one) => ({ ...one, service: String(resource.attributes["service.name"]) })));
      if (answer !== 0) response.writeHead(answer, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans,
    problems,
    get text() {
      return text;
    },
    get headers() {
      return headers;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
