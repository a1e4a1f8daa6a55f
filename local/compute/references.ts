/** Google names one resource in several ways; inside, everything is compared by its path below the API's base. */

const base = "https://www.googleapis.com/compute/v1/";

/** `projects/P/global/backendServices/N` of a self link, of a link on any host, or of a path without its project. */
export function partialPath(reference: string, project: string): string {
  const path = reference.replace(/^https?:\/\/[^/]+\//, "").replace(/^compute\/(v1|beta)\//, "");
  if (path.startsWith("projects/")) return path;
  if (/^(global|zones|regions)\//.test(path)) return `projects/${project}/${path}`;
  return path;
}

/** The link that the API prints for a path. */
export function selfLink(path: string): string {
  return `${base}${path}`;
}

/** The last part of a path or link. */
export function shortName(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

/** The project of a partial path, undefined for a bare name. */
export function projectOf(path: string): string | undefined {
  return /^projects\/([^/]+)\//.exec(path)?.[1];
}
