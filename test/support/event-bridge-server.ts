/** A small server that answers PutEvents as Amazon EventBridge documents it. */
import { createServer } from "node:http";
import { z } from "zod";

const request = z.object({
  Entries: z
    .array(
      z.object({
        Source: z.string(),
        DetailType: z.string(),
        Detail: z.string(),
        EventBusName: z.string(),
        Time: z.number(),
      }),
    )
    .min(1)
    .max(10),
});

export type BusEntry = z.output<typeof request>["Entries"][number];

interface EventBridgeServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** Entries of each request, in order. */
  readonly requests: readonly (readonly BusEntry[])[];
  /** Entries that were taken. */
  readonly taken: readonly BusEntry[];
  /** Region that the last request was signed for. */
  region(): string;
  close(): Promise<void>;
}

/** `verdict`: code of the error of an entry, undefined to take it; or of the whole request. */
export async function serveEventBridge(
  verdict: (entry: BusEntry, request: number) => string | undefined = () => undefined,
  whole: (
    request: number,
  ) => { readonly status: number; readonly type: string; readonly message: string } | undefined = () => undefined,
): Promise<EventBridgeServer> {
  const requests: BusEntry[][] = [];
  const taken: BusEntry[] = [];
  let region = "";
  const server = createServer(async (incoming, response) => {
    let body = "";
    for await (const chunk of incoming) body += String(chunk);
    const answer = (status: number, value: unknown): void => {
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(value));
    };
    if (incoming.headers["x-amz-target"] !== "AWSEvents.PutEvents")
      return answer(400, { __type: "UnknownOperationException" });
    const parsed = request.safeParse(JSON.parse(body));
    if (!parsed.success) return answer(400, { __type: "ValidationException", message: parsed.error.message });
    region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(incoming.headers.authorization ?? "")?.[1] ?? "";
    const { Entries } = parsed.data;
    requests.push(Entries);
    const failure = whole(requests.length);
    if (failure !== undefined) return answer(failure.status, { __type: failure.type, message: failure.message });
    const results = Entries.map((entry) => {
      const code = verdict(entry, requests.length);
      if (code !== undefined) return { ErrorCode: code, ErrorMessage: "of it" };
      taken.push(entry);
      return { EventId: `event-${taken.length}` };
    });
    answer(200, { Entries: results, FailedEntryCount: results.filter((one) => "ErrorCode" in one).length });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = z.object({ port: z.number() }).parse(server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    taken,
    region: () => region,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
