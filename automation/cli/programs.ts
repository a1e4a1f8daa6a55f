/** The programs of stacks/, by the first part of a stack's name. */
export const programs = ["cloud-run", "gke", "observability", "traffic"] as const;

export type Program = (typeof programs)[number];
