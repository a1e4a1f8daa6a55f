import type { Problem } from "./validation.ts";

// Grammar of the OCI distribution reference: [host[:port]/]path[/path][:tag][@algorithm:digest].
const reference =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?(?::\d+)?\/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*(?::\w[\w.-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]{32,128})?$/;

/** What an image setting may be, for messages. */
export const imageForm =
  "an image name with tag or digest, as `switchyard image build` prints it, for example kiro@sha256:<64 hex digits>";

/**
 * A problem unless the text names an image by tag or digest. A bare name would follow "latest": the same
 * configuration could then deploy two different agents.
 */
export function checkImage(path: string, value: string): Problem[] {
  const lastPart = value.slice(value.lastIndexOf("/") + 1);
  if (reference.test(value) && /[:@]/.test(lastPart)) return [];
  return [{ path, value, allowed: imageForm }];
}
