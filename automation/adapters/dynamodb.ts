/**
 * One DynamoDB table. Only conditional writes of one item and consistent reads, so that the smallest compatible server will do
 * (shared design, section 3.8). The only importer of its client.
 */
import { randomUUID } from "node:crypto";
import type { AttributeValue, DynamoDBClient, QueryCommandInput } from "@aws-sdk/client-dynamodb";
import { SwitchyardError } from "../errors.ts";
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

export interface DynamoTableOptions {
  readonly table: string;
  readonly region: string;
  /** Of the key, all texts: the partition's, and the sort key's where there is one. */
  readonly keys: readonly [string] | readonly [string, string];
  /** Of the keys by another attribute, a text. */
  readonly index?: { readonly name: string; readonly key: string };
  /** Another server than AWS's, asked for when it is needed. Plain HTTP only to this machine. */
  readonly endpoint?: (() => Promise<string>) | undefined;
  /** Where switchyard.yaml has the address, for messages: state.endpoint */
  readonly setting: string;
  /** Makes the table if there is none. Default false: then a missing table is an error. */
  readonly ensureTable?: boolean | undefined;
  /** Times a request is sent, with growing pauses, also when it was throttled. Default 5. */
  readonly attempts?: number | undefined;
}

export type Item = Readonly<Record<string, AttributeValue>>;

export interface Condition {
  readonly expression: string;
  readonly names?: Record<string, string>;
  readonly values?: Record<string, AttributeValue>;
}

export type PutOutcome = { readonly put: true } | { readonly put: false; readonly found: Item | undefined };

export type QueryInput = Omit<QueryCommandInput, "TableName" | "ConsistentRead" | "ExclusiveStartKey">;

/** Errors of all: state-unreachable, credentials-missing, credentials-over-http, invalid-config. */
export interface DynamoTable {
  /** table T in R */
  readonly where: string;
  get(key: Item): Promise<Item | undefined>;
  /** Those that there are, in no order. */
  getAll(keys: readonly Item[]): Promise<readonly Item[]>;
  /** Puts the item if the condition holds; default: if there is none. Else what is there instead. */
  putIf(item: Item, condition?: Condition): Promise<PutOutcome>;
  delete(key: Item): Promise<void>;
  /** Adds 1 to a number of an item that need not be there. The sum; a reply that is lost leaves a gap. */
  increase(key: Item, attribute: string): Promise<number>;
  /** Adds a text to a set of an item that need not be there. */
  addText(key: Item, attribute: string, text: string): Promise<void>;
  /** All pages, in the order of the sort key; consistent unless it is of the index. */
  query(input: QueryInput): Promise<readonly Item[]>;
  /** All keys that the index has, in no order. */
  scanIndex(): Promise<readonly Item[]>;
  close(): Promise<void>;
}

const tableDeadlineMs = 60_000;
const tableLookMs = 100;
/** Items of one BatchGetItem at the most. */
const batchSize = 100;
/** Between questions for keys that a full reply left over, ms. */
const leftOverPauseMs = 50;

interface Connection {
  readonly client: DynamoDBClient;
  readonly sdk: typeof import("@aws-sdk/client-dynamodb");
}

export function openDynamoTable(options: DynamoTableOptions): DynamoTable {
  const { table, region, keys, index } = options;
  const noItem: Condition = { expression: `attribute_not_exists(${keys[0]})` };
  let connecting: Promise<Connection> | undefined;
  let client: DynamoDBClient | undefined;

  async function open(): Promise<Connection> {
    client?.destroy();
    const connection = await openClient(options);
    client = connection.client;
    if (options.ensureTable ?? false) await ensureTable(connection, options);
    return connection;
  }

  const connect = (): Promise<Connection> => {
    connecting ??= open().catch((error: unknown) => {
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
      const secrets = apart ? [] : await secretsOf(async () => client?.config.credentials());
      throw asStateError(error, options, secrets);
    }
  }

  async function get(key: Item): Promise<Item | undefined> {
    const input = { TableName: table, Key: key, ConsistentRead: true };
    return (await ask(({ client, sdk }) => client.send(new sdk.GetItemCommand(input)))).Item;
  }

  /** All pages of what `page` asks for from a key on. */
  async function pages(
    page: (connection: Connection, from: Item | undefined) => Promise<Page>,
  ): Promise<readonly Item[]> {
    const items: Item[] = [];
    let from: Item | undefined;
    do {
      const start = from;
      const { Items = [], LastEvaluatedKey } = await ask((connection) => page(connection, start));
      items.push(...Items);
      from = LastEvaluatedKey;
    } while (from !== undefined);
    return items;
  }

  return {
    where: `table ${table} in ${region}`,
    get,

    async getAll(wanted) {
      const found: Item[] = [];
      let open = [...wanted];
      while (open.length > 0) {
        const now = open.slice(0, batchSize);
        const RequestItems = { [table]: { Keys: now, ConsistentRead: true } };
        const reply = await ask(({ client, sdk }) => client.send(new sdk.BatchGetItemCommand({ RequestItems })));
        const left = reply.UnprocessedKeys?.[table]?.Keys ?? [];
        found.push(...(reply.Responses?.[table] ?? []));
        open = [...left, ...open.slice(batchSize)];
        if (left.length > 0) await new Promise((resolve) => setTimeout(resolve, leftOverPauseMs));
      }
      return found;
    },

    /** A first attempt whose reply was lost makes the client's second one fail; the item's own mark tells. */
    async putIf(item, { expression, names, values } = noItem) {
      const mark = randomUUID();
      const input = {
        TableName: table,
        Item: { ...item, mark: { S: mark } },
        ConditionExpression: expression,
        ...(names === undefined ? {} : { ExpressionAttributeNames: names }),
        ...(values === undefined ? {} : { ExpressionAttributeValues: values }),
      };
      try {
        await ask(({ client, sdk }) => client.send(new sdk.PutItemCommand(input)));
        return { put: true };
      } catch (error) {
        if (!(error instanceof ConditionNotMet)) throw error;
        const found = await get(Object.fromEntries(keys.flatMap((name) => keyPart(name, item))));
        return found?.["mark"]?.S === mark ? { put: true } : { put: false, found };
      }
    },

    async delete(key) {
      await ask(({ client, sdk }) => client.send(new sdk.DeleteItemCommand({ TableName: table, Key: key })));
    },

    async increase(key, attribute) {
      const { Attributes } = await ask(({ client, sdk }) =>
        client.send(
          new sdk.UpdateItemCommand({
            TableName: table,
            Key: key,
            UpdateExpression: "ADD #counter :one",
            ExpressionAttributeNames: { "#counter": attribute },
            ExpressionAttributeValues: { ":one": { N: "1" } },
            ReturnValues: "UPDATED_NEW",
          }),
        ),
      );
      const sum = Number(Attributes?.[attribute]?.N);
      if (Number.isSafeInteger(sum)) return sum;
      throw new SwitchyardError("state-damaged", { message: `A counter in table ${table} is no number` });
    },

    async addText(key, attribute, text) {
      await ask(({ client, sdk }) =>
        client.send(
          new sdk.UpdateItemCommand({
            TableName: table,
            Key: key,
            UpdateExpression: "ADD #texts :text",
            ExpressionAttributeNames: { "#texts": attribute },
            ExpressionAttributeValues: { ":text": { SS: [text] } },
          }),
        ),
      );
    },

    query: (input) =>
      pages(({ client, sdk }, from) =>
        client.send(
          new sdk.QueryCommand({
            ...input,
            TableName: table,
            ConsistentRead: input.IndexName === undefined,
            ...(from === undefined ? {} : { ExclusiveStartKey: from }),
          }),
        ),
      ),

    scanIndex: () =>
      pages(({ client, sdk }, from) =>
        client.send(
          new sdk.ScanCommand({
            TableName: table,
            ...(index === undefined ? {} : { IndexName: index.name }),
            ...(from === undefined ? {} : { ExclusiveStartKey: from }),
          }),
        ),
      ),

    async close() {
      client?.destroy();
    },
  };
}

interface Page {
  readonly Items?: readonly Item[] | undefined;
  readonly LastEvaluatedKey?: Item | undefined;
}

function keyPart(name: string, item: Item): readonly (readonly [string, AttributeValue])[] {
  const value = item[name];
  return value === undefined ? [] : [[name, value]];
}

async function openClient(options: DynamoTableOptions): Promise<Connection> {
  const place: AwsPlace = {
    service: "DynamoDB",
    setting: options.setting,
    variable: "AWS_ENDPOINT_URL_DYNAMODB",
  };
  const endpoint = await options.endpoint?.();
  const sdk = await import("@aws-sdk/client-dynamodb");
  const client = new sdk.DynamoDBClient({
    region: options.region,
    maxAttempts: options.attempts ?? 5,
    requestHandler: awsTimeouts,
    ...awsEndpoint(endpoint, place),
  });
  client.middlewareStack.add(confidentialOnly(place), confidentialStep);
  return { client, sdk };
}

/** Makes the table and waits until it can be used. */
async function ensureTable(connection: Connection, options: DynamoTableOptions): Promise<void> {
  const { table } = options;
  const deadline = performance.now() + tableDeadlineMs;
  for (;;) {
    const status = await tableStatus(connection, table);
    if (status === "ACTIVE" || status === "UPDATING") return;
    if (status === undefined) await createTable(connection, options);
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

async function createTable({ client, sdk }: Connection, { table, keys, index }: DynamoTableOptions): Promise<void> {
  const attributes = [...keys, ...(index === undefined ? [] : [index.key])];
  try {
    await client.send(
      new sdk.CreateTableCommand({
        TableName: table,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: attributes.map((name) => ({ AttributeName: name, AttributeType: "S" as const })),
        KeySchema: keys.map((name, at) => ({ AttributeName: name, KeyType: at === 0 ? "HASH" : "RANGE" })),
        ...(index === undefined
          ? {}
          : {
              GlobalSecondaryIndexes: [
                {
                  IndexName: index.name,
                  KeySchema: [{ AttributeName: index.key, KeyType: "HASH" as const }],
                  Projection: { ProjectionType: "KEYS_ONLY" as const },
                },
              ],
            }),
      }),
    );
  } catch (error) {
    // Another process makes it at this moment.
    if (!isNamed(error, "ResourceInUseException")) throw error;
  }
}

/** The command that makes the table by hand. */
function creation({ table, region, keys, index }: DynamoTableOptions): string {
  const attributes = [...keys, ...(index === undefined ? [] : [index.key])];
  return [
    `aws dynamodb create-table --region ${region} --table-name ${table} --billing-mode PAY_PER_REQUEST`,
    `--attribute-definitions ${attributes.map((name) => `AttributeName=${name},AttributeType=S`).join(" ")}`,
    `--key-schema ${keys.map((name, at) => `AttributeName=${name},KeyType=${at === 0 ? "HASH" : "RANGE"}`).join(" ")}`,
    ...(index === undefined
      ? []
      : [
          `--global-secondary-indexes 'IndexName=${index.name},KeySchema=[{AttributeName=${index.key},KeyType=HASH}],Projection={ProjectionType=KEYS_ONLY}'`,
        ]),
  ].join(" ");
}

/** Another item is there; not an error for whoever asked. */
class ConditionNotMet extends Error {}

function asStateError(thrown: unknown, options: DynamoTableOptions, secrets: readonly string[]): unknown {
  if (thrown instanceof SwitchyardError || !(thrown instanceof Error)) return thrown;
  const { table, region } = options;
  const error = errorWithoutSecrets(thrown, secrets);
  if (isNamed(error, "ConditionalCheckFailedException")) return new ConditionNotMet();
  const where = `table ${table} in ${region}`;
  if (isNamed(error, "ResourceNotFoundException")) {
    return new SwitchyardError("state-unreachable", {
      message: `There is no DynamoDB ${where}`,
      next: `To make it:   ${creation(options)}`,
      cause: error,
    });
  }
  if (isCredentialsError(error)) {
    return new SwitchyardError("credentials-missing", {
      message: `DynamoDB (${where}) got no valid credentials: ${error.message}`,
      next: awsLogin,
      cause: error,
    });
  }
  return new SwitchyardError("state-unreachable", {
    message: `DynamoDB (${where}) did not do what was asked: ${error.name}: ${error.message}`,
    cause: error,
  });
}
