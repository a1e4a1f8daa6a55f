/** Hooks of merged branches: a part of the wiring (compose.ts). */
import { serveWebhooks, type WebhookServer, type WebhookServerOptions } from "../adapters/webhook-server.ts";
import { readIncoming } from "../guard/events/webhook.ts";
import type { GuardComposition } from "./compose-guard.ts";

/** Errors: invalid-config (the token, the port that is taken), credentials-missing, credentials-over-http. */
export async function openHooks(
  guard: GuardComposition,
  options: Pick<WebhookServerOptions, "host" | "port" | "start" | "failed">,
): Promise<WebhookServer> {
  const { listen } = await guard.config();
  return serveWebhooks({ ...options, token: await guard.secret(listen.token_from), read: readIncoming });
}
