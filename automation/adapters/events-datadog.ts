/** Events of deployments in Datadog, where its graphs can show them. */
import { SwitchyardError } from "../errors.ts";
import type { DeploymentEvents } from "../ports/deployment-events.ts";
import { type DatadogOptions, datadogApi } from "./datadog-api.ts";

/** What Datadog takes. */
const longest = { title: 100, text: 4_000 };

/** Errors: invalid-config, credentials-over-http. */
export function createDatadogEvents(options: DatadogOptions): DeploymentEvents {
  const { description, post } = datadogApi(options);
  return {
    description: `events of ${description}`,
    async say({ kind, title, text, level, run, tags, at }, signal) {
      const event = {
        title: title.slice(0, longest.title),
        text: text.slice(0, longest.text),
        tags: ["source:guard", `guard_event:${kind}`, ...tags],
        alert_type: level,
        aggregation_key: run.slice(0, 100),
        date_happened: Math.floor(at / 1_000),
      };
      try {
        await post("api/v1/events", event, signal);
      } catch (error) {
        if (!(error instanceof SwitchyardError)) throw error;
        throw new SwitchyardError("deployment-event-lost", { message: error.message, cause: error });
      }
    },
  };
}
