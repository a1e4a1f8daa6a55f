import type { StatelessReport } from "../stateless/scan.ts";

/** `<program>.<environment>`, for example gke.local. */
export type StackName = `${string}.${string}`;

export type ConfigValues = Readonly<Record<string, string | number | boolean | readonly unknown[] | object>>;

/** One line of progress. */
export interface StackProgress {
  readonly stack: StackName;
  readonly operation: "create" | "update" | "delete" | "replace" | "read" | "refresh" | "same" | "diagnostic";
  /** The resource's type and name; for a diagnostic its text. */
  readonly resource: string;
  readonly state: "started" | "done" | "failed";
}

export interface StackResult {
  readonly stack: StackName;
  readonly outputs: Readonly<Record<string, unknown>>;
  /** Number of resources per operation: create, update, delete, replace, same. */
  readonly changes: Readonly<Record<string, number>>;
  readonly durationMs: number;
  /** What the stateless rules say of all that was declared, of an up or a preview; undefined where nobody asked the rules, which is no good verdict. */
  readonly stateless?: StatelessReport;
}

/** One resource as the stack's state has it. */
export interface StackResource {
  readonly urn: string;
  readonly type: string;
  /** false: a component or the stack, which are only what their children are. */
  readonly custom: boolean;
  /** As declared, or as read by the last refresh where the provider reads inputs. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** As it was when it was last read. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

export interface StackOptions {
  /** Settings written to the stack's config before the operation, `namespace:key`. */
  readonly config?: ConfigValues;
  readonly onProgress?: (progress: StackProgress) => void;
  /** Aborting cancels the engine's operation and waits for it to end. */
  readonly signal?: AbortSignal;
}

/** The Pulumi engine. One operation per stack at a time; a second waits for the first. Errors: the engine-* and stack-* codes, stateless-violation. */
export interface StackEngine {
  up(stack: StackName, options?: StackOptions): Promise<StackResult>;
  preview(stack: StackName, options?: StackOptions): Promise<StackResult>;
  refresh(stack: StackName, options?: StackOptions): Promise<StackResult>;
  /** Deletes all resources and keeps the empty stack. */
  destroy(stack: StackName, options?: StackOptions): Promise<StackResult>;
  outputs(stack: StackName): Promise<Readonly<Record<string, unknown>>>;
  /**
   * What the state has; after a refresh that is what is there. Secrets are in clear, in Pulumi's wrapping: for
   * rules to read, never for people, logs or files.
   */
  resources(stack: StackName): Promise<readonly StackResource[]>;
  list(): Promise<readonly { stack: StackName; resources: number; updatedAt: string | undefined }[]>;
  /** Puts the stack's config in place (creating the stack if absent) without running anything. */
  configure(stack: StackName, config: ConfigValues): Promise<void>;
}
