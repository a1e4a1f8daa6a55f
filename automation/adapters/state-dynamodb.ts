/**
 * State in one DynamoDB table, for who works on an environment from several machines. Only conditional writes of one item
 * and consistent reads, so that the smallest compatible server will do (shared design, section 3.8). The only importer of
 * the AWS client.
 *
 * pk `<environment>`: values (sk = key) and the names of logs (sk = `<key>#log`). pk `<environment>#<log key>`: its lines,
 * sk = ten digits. A line is only written when the one before it is there, and none is ever removed, so that there are no
 * gaps.
 */
import { randomUUID } from "node:crypto";
import type { AttributeValue, DynamoDBClient, QueryCommandInput, QueryCommandOutput } from "@aws-sdk/client-dynamodb";
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { StateStore, StoredLog, StoredValue } from "../ports/state-store.ts";
import { isConfidential } from "./loopback.ts";
import { assertStateKey, assertStateLine } from "./state-key.ts";
import { errorWithoutSecrets } from "./without-secrets.ts";

export interface DynamoStateStoreOptions {
  readonly table: string;
  readonly region: string;
  /** Keeps the state of several environments apart in one table. */
  readonly environment: string;
  /** Another server than AWS's, asked for when it is needed. Plain HTTP only to this machine. */
  readonly endpoint?: () => Promise<string>;
  /** Makes the table if there is none. Default false: then a missing table is an error. */
  readonly ensureTable?: boolean;
  /** Times a request is sent, with growing pauses, also when it was throttled. Default 5. */
  readonly attempts?: number;
}

/** For connections and for replies, ms: a lease of 15 s has to survive one that is lost. */
const connectionTimeoutMs = 2_000;
const requestTimeoutMs = 4_000;
const tableDeadlineMs = 60_000;
const tableLookMs = 100;

type Item = Record<string, AttributeValue>;

interface Connection {
  readonly client: DynamoDBClient;
  readonly sdk: typeof import("@aws-sdk/client-dynamodb");
}

export function createDynamoStateStore(options: DynamoStateStoreOptions): StateStore & { close(): Promise<void> } {
  const { table, environment, region } = options;
  let connecting: Promise<Connection> | undefined;
  /** Lines that are known to be there, per log. */
  const known = new Map<string, number>();

  const connect = (): Promise<Connection> => {
    connecting ??= open(options).catch((error: unknown) => {
      // The next call tries again.
      connecting = undefined;
      throw error;
    });
    return connecting;
  };

  /** One request; its errors as ours. */
  async function ask<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    try {
      return await work(await connect());
    } catch (error) {
      // Where there are none, they are not looked for once more, which can take seconds; a condition says nothing of them.
      const apart = isNamed(error, "CredentialsProviderError", "ConditionalCheckFailedException");
      throw asStateError(error, options, apart ? [] : await credentialsOf(connecting));
    }
  }

  const logPk = (key: string): string => `${environment}#${key}`;

  async function getItem(pk: string, sk: string): Promise<Item | undefined> {
    const { Item } = await ask(({ client, sdk }) =>
      client.send(
        new sdk.GetItemCommand({ TableName: table, Key: { pk: { S: pk }, sk: { S: sk } }, ConsistentRead: true }),
      ),
    );
    return Item;
  }

  /**
   * Puts the item if there is none, or (`expected`) one of that version; whether it was put. A first attempt whose reply was lost makes the client's second
   * one fail; the item's own mark tells.
   */
  async function putIf(item: Item, expected?: number): Promise<boolean> {
    const mark = randomUUID();
    try {
      await ask(({ client, sdk }) =>
        client.send(
          new sdk.PutItemCommand({
            TableName: table,
            Item: { ...item, mark: { S: mark } },
            ...(expected === undefined
              ? { ConditionExpression: "attribute_not_exists(pk)" }
              : {
                  ConditionExpression: "#version = :expected",
                  ExpressionAttributeNames: { "#version": "version" },
                  ExpressionAttributeValues: { ":expected": { N: String(expected) } },
                }),
          }),
        ),
      );
      return true;
    } catch (error) {
      if (!(error instanceof ConditionNotMet)) throw error;
      const found = await getItem(item["pk"]?.S ?? "", item["sk"]?.S ?? "");
      return found?.["mark"]?.S === mark;
    }
  }

  /** All pages, in order of sk. */
  async function query(input: Omit<QueryCommandInput, "TableName" | "ConsistentRead">): Promise<readonly Item[]> {
    const items: Item[] = [];
    let from: Item | undefined;
    do {
      const page: Pick<QueryCommandOutput, "Items" | "LastEvaluatedKey"> = await ask(({ client, sdk }) =>
        client.send(
          new sdk.QueryCommand({
            ...input,
            TableName: table,
            ConsistentRead: true,
            ...(from === undefined ? {} : { ExclusiveStartKey: from }),
          }),
        ),
      );
      items.push(...(page.Items ?? []));
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    return items;
  }

  return {
    description: `DynamoDB table ${table} in ${region}, environment ${environment}`,

    async read(key): Promise<StoredValue | undefined> {
      assertStateKey(key);
      const item = await getItem(environment, key);
      const value = item?.["value"]?.S;
      const version = Number(item?.["version"]?.N);
      if (item === undefined) return undefined;
      if (value !== undefined && Number.isSafeInteger(version)) return { value, version };
      throw damaged(key, options);
    },

    async write(key, value, expected) {
      assertStateKey(key);
      const version = expected + 1;
      const item: Item = {
        pk: { S: environment },
        sk: { S: key },
        value: { S: value },
        version: { N: String(version) },
      };
      const written = await putIf(item, expected === 0 ? undefined : expected);
      return written ? version : undefined;
    },

    async list(key) {
      assertStateKey(key);
      const prefix = `${key}/`;
      const items = await query({
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
        ExpressionAttributeValues: { ":pk": { S: environment }, ":prefix": { S: prefix } },
        ProjectionExpression: "sk",
      });
      const names = items.map((item) => (item["sk"]?.S ?? "").slice(prefix.length).split(/[/#]/)[0] ?? "");
      return [...new Set(names)].toSorted();
    },

    async readLog(key): Promise<StoredLog | undefined> {
      assertStateKey(key);
      const items = await query({
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: logPk(key) } },
      });
      if (items.length === 0) return undefined;
      known.set(key, items.length);
      const lines = items.map((item) => item["line"]?.S);
      if (!lines.every((line) => line !== undefined)) throw damaged(key, options);
      return { lines, torn: "" };
    },

    async appendLog(key, number, line) {
      assertStateKey(key);
      assertStateLine(line);
      if (!Number.isSafeInteger(number) || number < 1) return false;
      // The name comes first: a log that no list shows would be lost.
      if (number === 1) await putIf({ pk: { S: environment }, sk: { S: `${key}#log` } });
      else if ((known.get(key) ?? 0) < number - 1) {
        if ((await getItem(logPk(key), lineKey(number - 1))) === undefined) return false;
      }
      const item: Item = { pk: { S: logPk(key) }, sk: { S: lineKey(number) }, line: { S: line } };
      const appended = await putIf(item);
      if (appended) known.set(key, number);
      return appended;
    },

    async close() {
      if (connecting !== undefined) (await connecting).client.destroy();
    },
  };
}

const lineKey = (number: number): string => String(number).padStart(10, "0");

async function open(options: DynamoStateStoreOptions): Promise<Connection> {
  const endpoint = await options.endpoint?.();
  const sdk = await import("@aws-sdk/client-dynamodb");
  const client = new sdk.DynamoDBClient({
    region: options.region,
    maxAttempts: options.attempts ?? 5,
    requestHandler: { connectionTimeout: connectionTimeoutMs, requestTimeout: requestTimeoutMs },
    ...(endpoint === undefined ? {} : endpointSettings(endpoint)),
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      assertConfidentialRequest(args.request);
      return next(args);
    },
    { step: "build", name: "confidentialOnly" },
  );
  if (options.ensureTable ?? false) await ensureTable({ client, sdk }, options.table);
  return { client, sdk };
}

/** Errors: credentials-over-http, invalid-config. */
function endpointSettings(endpoint: string) {
  if (!URL.canParse(endpoint)) {
    throw new SwitchyardError("invalid-config", {
      message: `state.endpoint is '${endpoint}', which is not a URL`,
      next: "For example:   endpoint: http://127.0.0.1:8000",
    });
  }
  const url = new URL(endpoint);
  if (!isConfidential(url)) {
    throw new SwitchyardError("credentials-over-http", {
      message: `state.endpoint ${endpoint} is plain HTTP to another machine; signed requests would be readable on the way`,
      next: "Use https, or an address of this machine.",
    });
  }
  // Servers on this machine take any credentials; a user's real ones have no business there.
  const local = url.protocol === "http:";
  return { endpoint, ...(local ? { credentials: { accessKeyId: "local", secretAccessKey: "local" } } : {}) };
}

const addressed = z.object({ protocol: z.string(), hostname: z.string() });

/** AWS's own variables and profiles may name an address too. Errors: credentials-over-http, before anything is sent. */
function assertConfidentialRequest(request: unknown): void {
  const { protocol, hostname } = addressed.parse(request);
  const host = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
  if (isConfidential(new URL(`${protocol}//${host}`))) return;
  throw new SwitchyardError("credentials-over-http", {
    message: `signed requests to DynamoDB would go over plain HTTP to ${hostname}`,
    next: "Use https, or an address of this machine, in state.endpoint, AWS_ENDPOINT_URL_DYNAMODB and AWS_ENDPOINT_URL.",
  });
}

/** Makes the table and waits until it can be used. */
async function ensureTable({ client, sdk }: Connection, table: string): Promise<void> {
  const deadline = performance.now() + tableDeadlineMs;
  for (;;) {
    const status = await tableStatus({ client, sdk }, table);
    if (status === "ACTIVE" || status === "UPDATING") return;
    if (status === undefined) await createTable({ client, sdk }, table);
    if (performance.now() > deadline) {
      throw new SwitchyardError("state-unreachable", {
        message: `The table ${table} is ${status ?? "not there"} after ${tableDeadlineMs / 1_000} s`,
        next: `Look at it:   aws dynamodb describe-table --table-name ${table}`,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, tableLookMs));
  }
}

async function tableStatus({ client, sdk }: Connection, table: string): Promise<string | undefined> {
  try {
    return (await client.send(new sdk.DescribeTableCommand({ TableName: table }))).Table?.TableStatus;
  } catch (error) {
    if (isNamed(error, "ResourceNotFoundException")) return undefined;
    throw error;
  }
}

async function createTable({ client, sdk }: Connection, table: string): Promise<void> {
  try {
    await client.send(
      new sdk.CreateTableCommand({
        TableName: table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [
          { AttributeName: "pk", AttributeType: "S" },
          { AttributeName: "sk", AttributeType: "S" },
        ],
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
      }),
    );
  } catch (error) {
    // Another process makes it at this moment.
    if (!isNamed(error, "ResourceInUseException")) throw error;
  }
}

/** Another item is there; not an error for whoever asked. */
class ConditionNotMet extends Error {}

function isNamed(error: unknown, ...names: readonly string[]): boolean {
  return error instanceof Error && names.includes(error.name);
}

/** Those that requests were signed with: AWS repeats parts of a request whose signature it refuses, the session's token among them. */
async function credentialsOf(connecting: Promise<Connection> | undefined): Promise<readonly string[]> {
  try {
    const { client } = (await connecting) ?? {};
    const { accessKeyId, secretAccessKey, sessionToken = "" } = (await client?.config.credentials()) ?? {};
    return [accessKeyId ?? "", secretAccessKey ?? "", sessionToken];
  } catch {
    // None could be had, so none was sent.
    return [];
  }
}

function asStateError(thrown: unknown, options: DynamoStateStoreOptions, secrets: readonly string[]): unknown {
  if (thrown instanceof SwitchyardError || !(thrown instanceof Error)) return thrown;
  const { table, region } = options;
  const error = errorWithoutSecrets(thrown, secrets);
  if (isNamed(error, "ConditionalCheckFailedException")) return new ConditionNotMet();
  const where = `table ${table} in ${region}`;
  if (isNamed(error, "ResourceNotFoundException")) {
    return new SwitchyardError("state-unreachable", {
      message: `There is no DynamoDB ${where}`,
      next: `To make it:   aws dynamodb create-table --region ${region} --table-name ${table} --billing-mode PAY_PER_REQUEST --attribute-definitions AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S --key-schema AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE`,
      cause: error,
    });
  }
  if (isNamed(error, "CredentialsProviderError", "UnrecognizedClientException", "ExpiredTokenException")) {
    return new SwitchyardError("credentials-missing", {
      message: `DynamoDB (${where}) got no valid credentials: ${error.message}`,
      next: "Run `aws sso login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
      cause: error,
    });
  }
  return new SwitchyardError("state-unreachable", {
    message: `DynamoDB (${where}) did not do what was asked: ${error.name}: ${error.message}`,
    cause: error,
  });
}

function damaged(key: string, { table, environment }: DynamoStateStoreOptions): SwitchyardError {
  return new SwitchyardError("state-damaged", {
    message: `The item ${key} of environment ${environment} in table ${table} does not have the form that Switchyard writes`,
  });
}
