/** Errors that any command may meet. */
import { type CatalogueEntry, exitCodes } from "./entry.ts";

export const generalErrors = {
  "internal-error": {
    exitCode: exitCodes.error,
    what: "Switchyard met a situation that its authors did not foresee.",
    next: "Run the command again with --debug and report the text with the output of `npx switchyard doctor --json`.",
  },
  cancelled: {
    exitCode: exitCodes.cancelled,
    what: "The command was stopped by Ctrl-C or by a signal.",
    next: "Run the command again; what was already done is kept.",
  },
  "usage-error": {
    exitCode: exitCodes.configuration,
    what: "The command line has a flag, an argument or a value that the command does not take.",
    next: "Look at the command's --help.",
  },
  "invalid-config": {
    exitCode: exitCodes.configuration,
    what: "A configuration file or value does not have the form that is needed. All problems are listed at once.",
    next: "Correct the listed values; `npx switchyard init` writes a commented example.",
  },
  "unknown-environment": {
    exitCode: exitCodes.configuration,
    what: "No environment of that name is configured.",
    next: "Name an environment of switchyard.yaml, or add it there.",
  },
  "unknown-platform": {
    exitCode: exitCodes.configuration,
    what: "No platform of that name exists.",
    next: "Use one of the platforms that the message lists.",
  },
  "unknown-stack": {
    exitCode: exitCodes.stackNotFound,
    refusal: true,
    what: "No program or stack of that name exists.",
    next: "Run `npx switchyard stacks` to see the stacks of every environment.",
  },
  "credentials-missing": {
    exitCode: exitCodes.authentication,
    what: "No credentials for the cloud were found, or the cloud did not accept them.",
    next: "Run `gcloud auth application-default login`, or set GOOGLE_OAUTH_ACCESS_TOKEN.",
  },
  "credentials-over-http": {
    exitCode: exitCodes.authentication,
    what: "Credentials would have travelled over plain HTTP to another machine. Nothing was sent.",
    next: "Use an https endpoint in CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE; plain HTTP is for loopback only.",
  },
  "disk-error": {
    exitCode: exitCodes.error,
    what: "A file of Switchyard's state could not be read or written.",
    next: "Repair the disk or the permissions; what was already written is kept.",
  },
  "disk-full": {
    exitCode: exitCodes.error,
    what: "There is no space left for Switchyard's state. Weights stay as they are.",
    next: "Free space, then run `npx switchyard swap resume`.",
  },
  "disk-read-only": {
    exitCode: exitCodes.error,
    what: "The folder for Switchyard's state cannot be written.",
    next: "Make the folder `.switchyard` writable.",
  },
  "node-too-old": {
    exitCode: exitCodes.configuration,
    what: "Switchyard was started with a Node below 24, and the Node that npm installs with it is not there.",
    next: "Run `npm ci`; after `npm ci --ignore-scripts` run `npm rebuild node`.",
  },
  "not-deployed": {
    exitCode: exitCodes.error,
    what: "The environment has no platform or no balancer yet, so there is nothing to move or to ask.",
    next: "Bring a platform and the traffic stack up: `npx switchyard up cloud-run.local` and `npx switchyard up traffic.local`.",
  },
  "not-on-this-cloud": {
    exitCode: exitCodes.configuration,
    what: "The command does not work on an environment of this cloud.",
    next: "Name another environment, or do what the message says.",
  },
  "packages-missing": {
    exitCode: exitCodes.configuration,
    what: "A file or package that Switchyard needs is not there: the installation is not complete.",
    next: "Run `npm ci` in the checkout.",
  },
} as const satisfies Record<string, CatalogueEntry>;
