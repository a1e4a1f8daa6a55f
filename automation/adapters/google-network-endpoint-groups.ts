/** Zonal network endpoint groups by name, which GKE makes for an annotated Service. */
import { z } from "zod";
import { SwitchyardError } from "../errors.ts";
import type { NetworkEndpointGroup, NetworkEndpointGroups } from "../ports/network-endpoint-groups.ts";
import { type GoogleClient, googleErrorText } from "./google-client.ts";

const pageSchema = z.object({
  /** Keys are scopes, zones/us-central1-a. A scope without groups carries a warning instead. */
  items: z
    .record(
      z.string(),
      z.object({
        networkEndpointGroups: z.array(z.object({ name: z.string(), zone: z.string().optional() })).optional(),
      }),
    )
    .optional(),
  nextPageToken: z.string().optional(),
});

export interface GoogleNetworkEndpointGroupsOptions {
  readonly client: GoogleClient;
  readonly project: string;
}

export function createGoogleNetworkEndpointGroups(options: GoogleNetworkEndpointGroupsOptions): NetworkEndpointGroups {
  const path = `projects/${options.project}/aggregated/networkEndpointGroups`;
  return {
    async find(name, signal) {
      const found: NetworkEndpointGroup[] = [];
      let pageToken: string | undefined;
      do {
        const query = { filter: `name = "${name}"`, ...(pageToken === undefined ? {} : { pageToken }) };
        const reply = await options.client.request({ method: "GET", path, query, signal });
        if (reply.status >= 400) {
          throw new SwitchyardError("traffic-refused", {
            message: `the API refused the list of network endpoint groups (${reply.status}): ${googleErrorText(reply)}`,
          });
        }
        const page = pageSchema.safeParse(reply.body);
        if (!page.success) {
          throw new SwitchyardError("traffic-reply-invalid", {
            message: `the list of network endpoint groups is not understood: ${z.prettifyError(page.error)}`,
            cause: page.error,
          });
        }
        for (const [scope, { networkEndpointGroups = [] }] of Object.entries(page.data.items ?? {})) {
          if (!scope.startsWith("zones/")) continue;
          const zone = scope.slice("zones/".length);
          // The filter is the API's; the check keeps a server that ignores it from misleading us.
          found.push(...networkEndpointGroups.filter((group) => group.name === name).map(() => ({ name, zone })));
        }
        pageToken = page.data.nextPageToken === "" ? undefined : page.data.nextPageToken;
      } while (pageToken !== undefined);
      return found;
    },
  };
}
