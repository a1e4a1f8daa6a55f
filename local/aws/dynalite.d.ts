declare module "dynalite" {
  import type { Server } from "node:http";

  /** Of version 4; see its index.js. */
  export interface DynaliteOptions {
    /** Folder of its LevelDB; in memory without. */
    readonly path?: string;
    /** How long a new table stays CREATING, ms. Default 500. */
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }

  /** The server is not listening yet. Closing it closes the store. */
  export default function dynalite(options?: DynaliteOptions): Server;
}
