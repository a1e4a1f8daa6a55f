/** Any server that takes JSON by POST. With a secret the body is signed: `sha256=` and its HMAC, as GitHub's webhooks have it. */
import { createHmac } from "node:crypto";
import type { Notice, Notifier } from "../ports/notifier.ts";
import { type NotifierTiming, postNotice } from "./notifier-request.ts";

const signatureHeader = "x-switchyard-signature-256";

export interface WebhookOptions extends NotifierTiming {
  readonly url: URL;
  readonly secret?: string | undefined;
}

export function createWebhookNotifier({ url, secret, ...timing }: WebhookOptions): Notifier {
  return {
    description: `webhook at ${url.host}`,
    notify(notice, signal) {
      const body = JSON.stringify(webhookBody(notice));
      const signed =
        secret === undefined
          ? undefined
          : { [signatureHeader]: `sha256=${createHmac("sha256", secret).update(body).digest("hex")}` };
      // The id lets a server that heard it already say so.
      const headers = { "x-switchyard-notice": notice.id, ...signed };
      return postNotice({ url, headers, body, secrets: secret === undefined ? [] : [secret] }, timing, signal);
    },
  };
}

function webhookBody({ id, kind, why, alert, momentary }: Notice) {
  const { dedupKey, at, ...rest } = alert;
  return {
    notice: id,
    kind,
    why,
    status: kind === "resolve" || momentary ? "resolved" : "open",
    dedup_key: dedupKey,
    ...rest,
    at: new Date(at).toISOString(),
  };
}
