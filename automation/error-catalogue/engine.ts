/** Errors of the Pulumi engine. */
import { type CatalogueEntry, exitCodes } from "./entry.ts";

export const engineErrors = {
  "engine-missing": {
    exitCode: exitCodes.error,
    what: "No Pulumi engine was found, and none could be downloaded or built.",
    next: "Install Pulumi (https://www.pulumi.com/docs/install/), or Go 1.26 or newer so that Switchyard can build it.",
  },
  "engine-failed": {
    exitCode: exitCodes.error,
    what: "The Pulumi engine ended with an error that Switchyard does not know.",
    next: "Read the engine's text above; run the command again with --debug for all of it.",
  },
  "engine-cancelled": {
    exitCode: exitCodes.cancelled,
    what: "The engine's operation was cancelled. What it had finished is in the stack's state.",
    next: "Run the command again; it goes on from there.",
  },
  "engine-login-required": {
    exitCode: exitCodes.authentication,
    what: "The Pulumi engine is not logged in to the place where it keeps its state.",
    next: "Run `pulumi login`, or set PULUMI_BACKEND_URL and, for Pulumi Cloud, PULUMI_ACCESS_TOKEN.",
  },
  "engine-project-missing": {
    exitCode: exitCodes.configuration,
    what: "The folder has no Pulumi.yaml that the engine can read.",
    next: "Run the command in the project's folder.",
  },
  "engine-config-missing": {
    exitCode: exitCodes.configuration,
    what: "The program needs a setting that the stack's configuration does not have, or that has the wrong type.",
    next: "Set it with `pulumi config set KEY VALUE --stack STACK`.",
  },
  "engine-program-failed": {
    exitCode: exitCodes.error,
    what: "The stack's program threw an error.",
    next: "Correct the program; what was already deployed is kept.",
  },
  "engine-plugin-missing": {
    exitCode: exitCodes.error,
    what: "The engine has no provider for a type of resource that the program uses.",
    next: "For a cloud: `pulumi plugin install resource NAME VERSION`. For a local environment: `npx switchyard local start`.",
  },
  "engine-provider-unreachable": {
    exitCode: exitCodes.error,
    what: "A provider that the engine is told to attach to does not answer.",
    next: "Run `npx switchyard local status`, and `npx switchyard local start` if the local cloud is not running.",
  },
  "engine-state-unusable": {
    exitCode: exitCodes.error,
    what: "The place where the engine keeps its state cannot be read or written.",
    next: "Check the folder or URL that the message names, its permissions and the free space.",
  },
  "resource-failed": {
    exitCode: exitCodes.resource,
    what: "A provider refused or failed to create, update, read or delete a resource.",
    next: "Correct what the provider's message says and run the command again; what was already deployed is kept.",
  },
  "policy-violated": {
    exitCode: exitCodes.policy,
    what: "A mandatory policy forbids what the program declares.",
    next: "Correct the resource that the message names.",
  },
  "stack-not-found": {
    exitCode: exitCodes.stackNotFound,
    what: "The stack does not exist in this backend; it has never been brought up, or was removed.",
    next: "Run `npx switchyard stacks`; `npx switchyard up STACK` makes the stack.",
  },
  "stack-locked": {
    exitCode: exitCodes.error,
    refusal: true,
    what: "Another process, perhaps on another machine, is updating the stack.",
    next: "Wait until that update ends. Where its process is certainly dead: `pulumi cancel --stack STACK`.",
  },
  "stack-interrupted": {
    exitCode: exitCodes.resource,
    what: "An earlier run was killed while it created resources; whether they exist is not known.",
    next: "Adopt or forget them with `pulumi refresh`, as the message shows.",
  },
  "stack-passphrase-wrong": {
    exitCode: exitCodes.authentication,
    what: "The passphrase that protects the stack's secrets is missing or wrong.",
    next: "Set PULUMI_CONFIG_PASSPHRASE_FILE to the one that the stack was made with. For a local stack whose `.switchyard` folder was removed, remove its `Pulumi.<program>.<environment>.yaml` too.",
  },
} as const satisfies Record<string, CatalogueEntry>;
