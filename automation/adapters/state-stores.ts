/** The state store of an environment, by its settings. */
import type { FileSystem } from "../ports/file-system.ts";
import type { StateStore } from "../ports/state-store.ts";
import { createDynamoStateStore } from "./state-dynamodb.ts";
import { createFileStateStore } from "./state-files.ts";

export interface StateStoreSettings {
  /** Default files. */
  readonly store?: "files" | "dynamodb";
  /** Default switchyard. */
  readonly table?: string | undefined;
  /** Default us-east-1, which only matters to AWS. */
  readonly region?: string | undefined;
  /** Default AWS's, or that of the local cloud. */
  readonly endpoint?: string | undefined;
}

export interface StateStoreParts {
  readonly environment: string;
  readonly files: FileSystem;
  /** For files. */
  readonly folder: string;
  /** The local cloud's DynamoDB; absent where the environment is not on the local cloud. */
  readonly localEndpoint?: () => Promise<string>;
}

/** Nothing is asked before it is used. */
export function createStateStore(settings: StateStoreSettings | undefined, parts: StateStoreParts): StateStore {
  if (settings?.store !== "dynamodb") return createFileStateStore(parts);
  const { table = "switchyard", region = "us-east-1", endpoint } = settings;
  const given = endpoint === undefined ? parts.localEndpoint : async () => endpoint;
  return createDynamoStateStore({
    table,
    region,
    environment: parts.environment,
    // A table on AWS costs money and belongs to somebody: it is made by hand, as the error says.
    ...(given === undefined ? {} : { endpoint: given, ensureTable: true }),
  });
}
