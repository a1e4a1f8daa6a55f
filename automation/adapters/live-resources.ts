/** What runs, from the stack: refreshed first, so that its state says what is there and not what was declared. */
import { SwitchyardError } from "../errors.ts";
import type { LiveResources } from "../ports/live-resources.ts";
import type { StackEngine, StackName, StackResource } from "../ports/stack-engine.ts";
import type { ScannedResource } from "../stateless/finding.ts";
import { scannedFromPulumi } from "../stateless/from-pulumi.ts";

export interface LiveResourcesOptions {
  /** Asked for when something is to be read. */
  readonly engine: () => Promise<Pick<StackEngine, "refresh" | "resources">>;
  readonly environment: string;
}

export function createLiveResources({ engine, environment }: LiveResourcesOptions): LiveResources {
  return {
    async read(platform, signal) {
      const stack: StackName = `${platform}.${environment}`;
      try {
        const driver = await engine();
        await driver.refresh(stack, { signal });
        return scannedOfState(await driver.resources(stack));
      } catch (error) {
        if (!(error instanceof SwitchyardError) || signal.aborted) throw error;
        throw new SwitchyardError("compliance-unreadable", {
          message: `What runs on ${platform} cannot be read: ${error.message}`,
          next: `To try by hand:   npx switchyard refresh ${stack}`,
          data: { platform, stack },
          cause: error,
        });
      }
    },
  };
}

/** Pure. Of Kubernetes the whole object as the API server has it; of other providers the inputs, which a refresh reads anew. */
export function scannedOfState(resources: readonly StackResource[]): readonly ScannedResource[] {
  return resources.flatMap(({ type, urn, custom, inputs, outputs }) => {
    const live = type.startsWith("kubernetes:") && Object.keys(outputs).length > 0 ? outputs : inputs;
    const scanned = custom ? scannedFromPulumi({ type, urn, properties: live }) : undefined;
    return scanned === undefined ? [] : [scanned];
  });
}
