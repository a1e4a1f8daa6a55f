/** Guard's ports: a part of the wiring (compose.ts). Guard is of no environment: one table has the whole fleet. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { createGitLab } from "../adapters/gitlab.ts";
import { createDynamoGuardState } from "../adapters/guard-state-dynamodb.ts";
import { createDynamoGuardStore, type DynamoGuardStoreOptions } from "../adapters/guard-store-dynamodb.ts";
import { readSecret } from "../adapters/secret-reference.ts";
import { type AuditLog, createAuditLog } from "../audit/log.ts";
import { batchLock, createRegistry, type Registry } from "../guard/registry/registry.ts";
import { underLease } from "../guard/run/lease.ts";
import { type GuardConfig, guardConfig } from "../guard/settings.ts";
import type { Clock } from "../ports/clock.ts";
import type { GitHost } from "../ports/git-host.ts";
import type { GuardStore } from "../ports/guard-store.ts";
import type { StateStore } from "../ports/state-store.ts";
import type { Composition } from "./compose.ts";

export class GuardComposition {
  readonly clock: Clock;
  /** Names this process, to others who want the same lock. */
  readonly holder = `${hostname()} ${process.pid} ${randomUUID().slice(0, 8)}`;
  readonly #composition: Composition;
  #config: Promise<GuardConfig> | undefined;
  #store: Promise<GuardStore & { close(): Promise<void> }> | undefined;
  #state: Promise<StateStore & { close(): Promise<void> }> | undefined;
  #gitHost: Promise<GitHost> | undefined;

  constructor(composition: Composition) {
    this.#composition = composition;
    this.clock = composition.clock;
  }

  /** The section of switchyard.yaml; without one everything is as by default, in the local cloud's table. Errors: invalid-config. */
  config(): Promise<GuardConfig> {
    this.#config ??= this.#composition
      .config()
      .then(({ guard }) => guard ?? guardConfig.parse({ aws: { dynamodb: { local: true } } }));
    return this.#config;
  }

  /** Nothing is asked before it is used, but for the local cloud, which is started. */
  store(): Promise<GuardStore> {
    this.#store ??= this.#table().then(createDynamoGuardStore);
    return this.#store;
  }

  /**
   * `place`: instead of the configured address, and instead of where the configured token is; of the first who asks. Errors:
   * credentials-missing, credentials-over-http.
   */
  gitHost(
    place: { readonly url?: string | undefined; readonly tokenFrom?: string | undefined } = {},
  ): Promise<GitHost> {
    this.#gitHost ??= this.config().then(async ({ gitlab, rate_limits }) => {
      const token = await this.secret(place.tokenFrom ?? gitlab.token_from);
      const limits = { perMinute: rate_limits.gitlab_api };
      return createGitLab({ url: place.url ?? gitlab.url, token, clock: this.clock, limits });
    });
    return this.#gitHost;
  }

  async registry(): Promise<Registry> {
    return createRegistry(await this.store());
  }

  /** For what is of the fleet and not of one cluster, in the same table: the audit log, alerts. */
  stateStore(): Promise<StateStore> {
    this.#state ??= this.#table().then(createDynamoGuardState);
    return this.#state;
  }

  async auditLog(): Promise<AuditLog> {
    return createAuditLog({
      store: await this.stateStore(),
      verify: "npx switchyard audit verify --guard",
      setAside: "npx switchyard audit set-aside --guard --reason WHY",
    });
  }

  /** A secret by where the configuration says it is; AWS's in the region of the table. Errors: credentials-missing, credentials-over-http. */
  async secret(reference: string): Promise<string> {
    const { env, root } = this.#composition;
    const { region } = (await this.config()).aws;
    return readSecret(reference, {
      env,
      pathOf: (path) => resolve(root, path),
      awsRegion: region,
    });
  }

  /** How Datadog is asked and told. Errors: credentials-missing, credentials-over-http. */
  async datadog() {
    const { site, api_key_from, app_key_from, endpoint } = (await this.config()).metrics.datadog;
    const [apiKey, applicationKey] = await Promise.all([this.secret(api_key_from), this.secret(app_key_from)]);
    return { site, apiKey, applicationKey, endpoint, clock: this.clock };
  }

  /**
   * Works under the locks of batches, taken in the order of their names. `fence`: the highest, good for every cluster of them.
   * Errors: guard-locked with who has one.
   */
  async underBatchLocks<Result>(
    batches: readonly string[],
    work: (fence: number, signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const [store, { execution }] = await Promise.all([this.store(), this.config()]);
    const names = [...new Set(batches)].toSorted().map(batchLock);
    const within = (rest: readonly string[], fence: number, signal: AbortSignal): Promise<Result> => {
      const [name, ...others] = rest;
      if (name === undefined) return work(fence, signal);
      const { clock, holder } = this;
      return underLease(
        { store, clock, name, holder, leaseMs: execution.lease_seconds * 1_000, signal },
        (taken, inner) => within(others, Math.max(fence, taken), inner),
      );
    };
    return within(names, 0, this.#composition.signal);
  }

  /** Ends its connections, so that the process can end. */
  async close(): Promise<void> {
    for (const opened of [this.#store, this.#state]) await (await opened)?.close();
  }

  async #table(): Promise<DynamoGuardStoreOptions> {
    const { region, dynamodb } = (await this.config()).aws;
    const { table_name: table, endpoint, local, create_table: ensureTable } = dynamodb;
    if (local)
      return {
        table,
        region,
        endpoint: async () => (await this.#composition.localCloud()).dynamoDb(),
        ensureTable: true,
      };
    return { table, region, ensureTable, ...(endpoint === undefined ? {} : { endpoint: async () => endpoint }) };
  }
}
