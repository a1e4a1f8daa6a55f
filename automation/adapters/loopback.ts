import { isIP } from "node:net";

/** Whether a credential may travel to this address: https, or plain HTTP that does not leave the machine. */
export function isConfidential(url: URL): boolean {
  if (url.protocol === "https:") return true;
  if (url.protocol !== "http:") return false;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
