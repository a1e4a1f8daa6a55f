import type { ZonalEndpointGroup } from "./compute.ts";
import { GoogleError } from "./google-error.ts";

/** Only `name=X` (also with eq, spaces, quotes, parentheses), which is what clients of this subset send. */
export function endpointGroupFilter(filter: string | null): (group: ZonalEndpointGroup) => boolean {
  if (filter === null || filter.trim() === "") return () => true;
  const match = /^\(?\s*name\s*(?:=|eq)\s*"?([a-z]([-a-z0-9]*[a-z0-9])?)"?\s*\)?$/.exec(filter.trim());
  if (match === null) {
    throw new GoogleError(
      400,
      "invalid",
      `Invalid value for field 'filter': '${filter}'. Invalid list filter expression. The local cloud knows name=NAME.`,
    );
  }
  return (group) => group.name === match[1];
}
