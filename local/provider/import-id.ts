/**
 * The resource that an import id names. Google's provider takes the full name and every shorter form that leaves out
 * leading parts: projects/P/locations/L/services/S, P/L/S, L/S, S. A short form must fit exactly one.
 */
export function findByImportId<T extends { readonly id: string }>(
  given: string,
  resources: readonly T[],
): T | undefined {
  const matching = resources.filter((resource) => importForms(resource.id).includes(given));
  return matching.length === 1 ? matching[0] : undefined;
}

function importForms(id: string): readonly string[] {
  const segments = id.split("/");
  // names stand behind their collections; global has none.
  const values: string[] = [];
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] ?? "";
    if (segment === "global") continue;
    const value = segments[i + 1];
    if (value === undefined) values.push(segment);
    else {
      values.push(value);
      i++;
    }
  }
  return [id, ...values.map((_, i) => values.slice(i).join("/"))];
}
