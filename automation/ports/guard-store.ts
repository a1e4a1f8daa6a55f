/**
 * Where guard keeps its registry, the state of each cluster, locks, and documents that are written once. One-item conditional
 * writes only. Errors of all: state-unreachable, state-damaged.
 */

/** A value of one cluster with what a write must expect. The value is opaque text (JSON). */
export interface StoredCluster {
  readonly clusterId: string;
  readonly batchId: string;
  readonly value: string;
  /** From 1, rises with every write, also over a removal. */
  readonly version: number;
  /** Of the lock under which it was written last; 0: none. */
  readonly fence: number;
}

export interface ClusterWrite {
  readonly clusterId: string;
  readonly batchId: string;
  readonly value: string;
  /** 0: there must be none. */
  readonly expected: number;
  /** Of a lock that is held. Refused when a higher one has written, so 0 does only for what no lock has written yet. */
  readonly fence: number;
}

/** conflict: another version is there. fenced: a lock that was taken later has written. */
export type WriteOutcome =
  | { readonly kind: "written"; readonly version: number }
  | { readonly kind: "conflict" }
  | { readonly kind: "fenced" };

export type LockOutcome =
  | { readonly kind: "held"; readonly fence: number }
  | { readonly kind: "taken"; readonly holder: string; readonly until: number };

/** plan, baseline, edits, evidence, validation, bundle. */
export type DocumentKind = "plan" | "baseline" | "edits" | "evidence" | "validation" | "bundle";

export interface GuardStore {
  readonly description: string;
  /** Consistent read. */
  cluster(clusterId: string): Promise<StoredCluster | undefined>;
  /** By the index, each read again by its key; sorted by id. */
  batch(batchId: string): Promise<readonly StoredCluster[]>;
  /** All, sorted by id. */
  clusters(): Promise<readonly StoredCluster[]>;
  write(write: ClusterWrite): Promise<WriteOutcome>;
  /** false: another version is there. */
  remove(clusterId: string, expected: number): Promise<boolean>;

  /** Past transitions that no longer fit into the item, in order; `number` from 1. Writing one twice changes nothing. */
  archive(clusterId: string, number: number, line: string, expiresAt: number): Promise<void>;
  /** From number 1 to the last; empty where one was not kept any longer. */
  archived(clusterId: string): Promise<readonly string[]>;

  /**
   * Takes a lock that is free or whose lease is over (by `now`, ms); the fence rises with every taking, over all locks, so that those
   * of a cluster that changes its batch compare. The same holder takes it again with a new fence.
   */
  lock(name: string, holder: string, now: number, leaseMs: number): Promise<LockOutcome>;
  /** false: somebody else has it. */
  renew(name: string, fence: number, now: number, leaseMs: number): Promise<boolean>;
  unlock(name: string, fence: number): Promise<void>;

  document(kind: DocumentKind, id: string): Promise<string | undefined>;
  /** Written once: false when there is one with another text; true when it is there with this text. */
  keep(kind: DocumentKind, id: string, text: string): Promise<boolean>;
}
