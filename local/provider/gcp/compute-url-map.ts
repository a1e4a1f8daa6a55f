import type { UrlMap } from "../../compute/compute.ts";
import { shortName } from "../../compute/references.ts";
import { tokens } from "../../compute/tokens.ts";
import { urlMapToInputs, urlMapToRest } from "../../compute/url-map-shape.ts";
import type { Properties, ResourceState, ResourceType } from "../resource-type.ts";
import { text } from "../values.ts";
import { autoName, calling, globalId, linkedOutputs, projectOfState } from "./compute-resource.ts";

/** ForceNew fields of resource_compute_url_map.go in terraform-provider-google. */
const replaceOn = ["name", "project"];

/**
 * The live map is Compute's: others write it through REST. So reading returns live values as inputs, and an update quotes the
 * fingerprint that the engine holds; when the map has changed since the engine read it, the update fails and nothing changes.
 */
export const urlMap: ResourceType = {
  token: tokens.urlMap,
  replaceOn,
  autoName,
  unknownAtPreview: ["creationTimestamp", "fingerprint", "mapId", "selfLink"],
  defaults: (_inputs, settings) => ({ project: settings.project }),
  id: (inputs, settings) => globalId("urlMaps", inputs, settings),
  outputs: linkedOutputs,
  async create(state, context) {
    const project = projectOfState(state, context);
    const body = urlMapToRest(withoutMarks(state.inputs), project);
    const { urlMaps } = context.cloud.compute;
    const map = await calling("Error creating UrlMap", async () => {
      // A map that is not declared is what a create left that could not be written down.
      if (context.cloud.resources.get(tokens.urlMap, state.id) === undefined) {
        await urlMaps.delete(project, shortName(state.id));
      }
      return urlMaps.insert(project, body);
    });
    return computed(map);
  },
  async update(state, previous, context) {
    const project = projectOfState(state, context);
    const body = urlMapToRest(withoutMarks(state.inputs), project);
    const fingerprint = text(previous.outputs, "fingerprint");
    const map = await calling(`Error updating UrlMap "${state.id}"`, () =>
      context.cloud.compute.urlMaps.update(project, shortName(state.id), body, fingerprint),
    );
    return computed(map);
  },
  async delete(state, context) {
    await calling("Error when reading or editing UrlMap", () =>
      context.cloud.compute.urlMaps.delete(projectOfState(state, context), shortName(state.id)),
    );
  },
  async read(state, context) {
    const project = projectOfState(state, context);
    const map = context.cloud.compute.urlMaps.get(project, shortName(state.id));
    return map && liveState(state, map, project);
  },
  async restore(state, context) {
    const project = projectOfState(state, context);
    if (context.cloud.compute.urlMaps.get(project, shortName(state.id)) !== undefined) return;
    await context.cloud.compute.urlMaps.insert(project, urlMapToRest(withoutMarks(state.inputs), project));
  },
};

function liveState(state: ResourceState, map: UrlMap, project: string): ResourceState {
  const previous = Object.keys(state.inputs).length === 0 ? { project } : state.inputs;
  const inputs = urlMapToInputs(map, project, previous);
  return { id: state.id, inputs, outputs: { ...linkedOutputs(inputs, state.id), ...computed(map) } };
}

function computed(map: UrlMap): Properties {
  return {
    creationTimestamp: map["creationTimestamp"] ?? "",
    fingerprint: map.fingerprint,
    mapId: Number(map["id"]),
  };
}

/** Without the bridge's own notes (__defaults). */
function withoutMarks(inputs: Properties): Properties {
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => !name.startsWith("__")));
}
