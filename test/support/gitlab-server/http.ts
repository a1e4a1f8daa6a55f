/** What routes get and give, and how lists are given in pages. */

export interface ApiRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface ApiReply {
  readonly status: number;
  /** JSON, or bytes as they are. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export class ApiError extends Error {
  readonly status: number;
  readonly said: unknown;

  constructor(status: number, said: unknown) {
    super(String(said));
    this.status = status;
    this.said = said;
  }
}

export const notFound = (what: string): ApiError => new ApiError(404, `404 ${what} Not Found`);

export const ok = (body: unknown, headers: Readonly<Record<string, string>> = {}): ApiReply => ({
  status: 200,
  body,
  headers,
});

/** By numbers of pages. `most`: what a page holds at most, whatever is asked for. */
export function paged<Item>(
  items: readonly Item[],
  query: URLSearchParams,
  most: number,
  address: string,
): ApiReply & { readonly items: readonly Item[] } {
  const size = Math.min(most, Number(query.get("per_page") ?? 20));
  const page = Number(query.get("page") ?? 1);
  const pages = Math.max(1, Math.ceil(items.length / size));
  const link = (number: number, rel: string): string => {
    const next = new URLSearchParams(query);
    next.set("page", String(number));
    next.set("per_page", String(size));
    return `<${address}?${next}>; rel="${rel}"`;
  };
  const shown = items.slice((page - 1) * size, page * size);
  const headers = {
    "x-page": String(page),
    "x-per-page": String(size),
    "x-next-page": page < pages ? String(page + 1) : "",
    link: [...(page < pages ? [link(page + 1, "next")] : []), link(1, "first"), link(pages, "last")].join(", "),
  };
  return { ...ok(shown, headers), items: shown };
}

/** By what the page before ended with. */
export function keyset<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  query: URLSearchParams,
  most: number,
  address: string,
): ApiReply {
  const size = Math.min(most, Number(query.get("per_page") ?? 20));
  const token = query.get("page_token");
  const from = token === null ? 0 : items.findIndex((item) => keyOf(item) === token) + 1;
  const page = items.slice(from, from + size);
  const last = page.at(-1);
  if (last === undefined || from + size >= items.length) return ok(page);
  const next = new URLSearchParams(query);
  next.set("page_token", keyOf(last));
  return ok(page, { link: `<${address}?${next}>; rel="next"` });
}
