/** Port on which the agent listens inside its pod. */
export const agentPort = 8080;

/** Name of the container; kubernetesx makes it the pods' label `app`. */
export const agentContainer = "agent";

/** What selects the agent's pods. */
export const agentPodLabels = { app: agentContainer } as const;
