const idempotent = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);
const resetCodes = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/**
 * Whether a request that failed on a kept connection before a byte came back may go out again: the service closed the
 * connection just then, and asking twice does no harm.
 */
export function mayBeSentAgain(method: string, error: Error & { readonly code?: string }): boolean {
  return error.code !== undefined && resetCodes.has(error.code) && idempotent.has(method);
}
