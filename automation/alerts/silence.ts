/** Silences: what is kept and not told, until when, and who said so. Pure. */
import type { Alert } from "../ports/notifier.ts";
import type { AlertBook, Silence } from "./book.ts";
import type { AlertSettings } from "./settings.ts";

/** Without code and platform every alert of the environment. */
export interface SilenceWish {
  readonly code?: string | undefined;
  readonly platform?: string | undefined;
  /** ms since the epoch. */
  readonly until: number;
  readonly by: string;
  readonly why: string;
}

/** The id of a silence that holds for the alert; undefined when none does. */
export function silenceOf(
  book: AlertBook,
  alert: Pick<Alert, "code" | "platform">,
  { silences }: AlertSettings,
  now: number,
): string | undefined {
  const holds = ({ code, platform, until }: Pick<SilenceWish, "code" | "platform" | "until">): boolean =>
    until > now &&
    (code === undefined || code === alert.code) &&
    (platform === undefined || platform === alert.platform);
  const declared = silences.findIndex(holds);
  return book.silences.find(holds)?.id ?? (declared < 0 ? undefined : `file-${declared + 1}`);
}

export function silenced(book: AlertBook, { code, platform, until, by, why }: SilenceWish, now: number): AlertBook {
  const silence: Silence = {
    id: String(book.last + 1),
    ...(code === undefined ? {} : { code }),
    ...(platform === undefined ? {} : { platform }),
    until,
    by,
    why,
    at: now,
  };
  return { ...book, last: book.last + 1, silences: [...book.silences, silence] };
}

/** undefined when there is no such silence. */
export function unsilenced(book: AlertBook, id: string): AlertBook | undefined {
  const silences = book.silences.filter((silence) => silence.id !== id);
  return silences.length === book.silences.length ? undefined : { ...book, silences };
}
