import type { DeclaredResource } from "./resources.ts";

/** What is declared, kept on disk (atomic rename) and in memory, in order of creation. */
export interface ResourceStore {
  get(type: string, id: string, cluster?: string): DeclaredResource | undefined;
  list(type?: string): readonly DeclaredResource[];
  /** Adds or replaces; the change is on disk when it resolves. */
  put(resource: DeclaredResource): Promise<void>;
  delete(type: string, id: string, cluster?: string): Promise<void>;
  /** Called after each change; returns the function that ends the subscription. */
  onChange(listener: () => void): () => void;
}
