import {
  ComponentResource,
  type ComponentResourceOptions,
  type CustomResourceOptions,
  type Resource,
} from "@pulumi/pulumi";

/**
 * The one way to reach an argument of a child that a component does not offer: some properties, which replace the
 * component's, or a function of the component's properties and the child's name.
 */
export type Transform<Args extends object> = Partial<Args> | ((args: Args, childName: string) => Args);

type ChildConstructor<Args, Child> = new (name: string, args: Args, opts?: CustomResourceOptions) => Child;

/**
 * Base of all components: every child has the component as its parent, a logical name that starts with the
 * component's, and goes through the caller's `transform`.
 */
export abstract class SwitchyardComponent extends ComponentResource {
  readonly #name: string;

  protected constructor(type: `switchyard:${string}:${string}`, name: string, opts: ComponentResourceOptions) {
    super(type, name, {}, opts);
    this.#name = name;
  }

  /** Logical name of a child. */
  protected childName(suffix: string): string {
    return `${this.#name}-${suffix}`;
  }

  /** Makes a child resource. */
  protected child<Args extends object, Child extends Resource>(
    resourceClass: ChildConstructor<Args, Child>,
    suffix: string,
    args: Args,
    options: { readonly transform?: Transform<Args> | undefined; readonly opts?: CustomResourceOptions } = {},
  ): Child {
    const name = this.childName(suffix);
    return new resourceClass(name, applyTransform(options.transform, args, name), { ...options.opts, parent: this });
  }
}

/** The args after the caller's transform. */
function applyTransform<Args extends object>(
  transform: Transform<Args> | undefined,
  args: Args,
  childName: string,
): Args {
  if (transform === undefined) return args;
  return typeof transform === "function" ? transform(args, childName) : { ...args, ...transform };
}
