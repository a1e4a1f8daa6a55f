import type { InvokeFunction, ResourceType } from "../resource-type.ts";
import { kinds } from "./kinds.ts";
import { kubernetesObject } from "./object.ts";

/** Every kind of the kubernetes provider that is simulated. */
export const kubernetesTypes: readonly ResourceType[] = kinds.map(kubernetesObject);

/** Helm charts, YAML files and kustomizations are not simulated. */
export const kubernetesFunctions: readonly InvokeFunction[] = [];
