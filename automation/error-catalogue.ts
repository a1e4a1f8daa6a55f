/**
 * The one error catalogue. Every error that a user can meet has a code here; docs/errors.md is generated from it.
 * `what` says what happened in general, `next` what to do in general; the error itself carries the particular text
 * and the exact command.
 */

/** Exit codes, the same as the Pulumi CLI's declared stable ones. */
export const exitCodes = {
  ok: 0,
  error: 1,
  configuration: 2,
  authentication: 3,
  resource: 4,
  policy: 5,
  stackNotFound: 6,
  changesFound: 7,
  cancelled: 8,
  timeout: 9,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface CatalogueEntry {
  readonly exitCode: ExitCode;
  /** What happened, in general. */
  readonly what: string;
  /** What to do next, in general. */
  readonly next: string;
}

export const catalogue = {
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
    what: "No program or stack of that name exists.",
    next: "Run `npx switchyard stacks` to see the stacks of every environment.",
  },

  // The agent, through the balancer.
  "agent-unreachable": {
    exitCode: exitCodes.resource,
    what: "No instance of the agent on that platform answered: the balancer could not be reached, or it got no complete reply from an instance.",
    next: "Run `npx switchyard agent health --platform P` and look at the logs of its instances (locally in .switchyard/local/logs).",
  },
  "agent-operation-missing": {
    exitCode: exitCodes.resource,
    what: "The service on that platform does not have an operation that every agent must have.",
    next: "Deploy an image that answers POST /process, GET /health, GET /kiro-metrics and GET /info.",
  },
  "agent-reply-invalid": {
    exitCode: exitCodes.resource,
    what: "The agent on that platform gave a reply that does not have the form of the agent's contract. All problems are listed.",
    next: "Compare the image with services/kiro/contract.ts and deploy one that keeps to it.",
  },

  // The balancer, its weights and what it reports.
  "traffic-unreachable": {
    exitCode: exitCodes.resource,
    what: "The balancer or its API gave no usable answer.",
    next: "Check the network and the endpoint; locally run `npx switchyard local status`. Traffic stays as it was.",
  },
  "traffic-not-found": {
    exitCode: exitCodes.resource,
    what: "The URL map that carries the weights does not exist.",
    next: "Bring the `traffic` stack of the environment up.",
  },
  "traffic-reply-invalid": {
    exitCode: exitCodes.resource,
    what: "The balancer's API gave an answer of a form that Switchyard does not understand, so the weights are not known.",
    next: "Look at the URL map by hand; its top-level route action must hold weighted backend services named by platform.",
  },
  "traffic-refused": {
    exitCode: exitCodes.resource,
    what: "The balancer's API refused the request. Nothing was changed.",
    next: "Correct what the message names and run the command again.",
  },
  "traffic-weights-invalid": {
    exitCode: exitCodes.configuration,
    what: "The weights cannot be set: they must be percentages of known platforms with at most one decimal that add up to 100.",
    next: "Give weights that add up to 100, for example gke=95 cloud-run=5.",
  },
  "fingerprint-conflict": {
    exitCode: exitCodes.resource,
    what: "Somebody else changed the balancer between the read and the write. Nothing was changed by the write.",
    next: "Read the weights again, then repeat the write.",
  },
  "feed-unreachable": {
    exitCode: exitCodes.resource,
    what: "The feed of finished requests gave no usable answer, so the gates cannot see errors.",
    next: "Locally run `npx switchyard local status`. A swap pauses after 5 s without its feed and goes on with `npx switchyard swap resume`.",
  },
  "failover-off": {
    exitCode: exitCodes.configuration,
    what: "Failover is switched off for the environment, so there is nothing to watch for.",
    next: "Set failover.policy of the environment in switchyard.yaml to propose or automatic; `npx switchyard failover run --to gke` moves the traffic whatever the policy is.",
  },
  "standby-not-ready": {
    exitCode: exitCodes.resource,
    what: "The platform that was to take the traffic over does not stand by: its agent does not answer through the balancer.",
    next: "Bring it up and attach it: `npx switchyard up PLATFORM.ENV`, then `npx switchyard up traffic.ENV --platforms A,B`.",
  },
  "fail-back-unreachable": {
    exitCode: exitCodes.resource,
    what: "The flag with which a side hands its requests back could not be set or read. The balancer's weights do not depend on it.",
    next: "Locally run `npx switchyard local status`.",
  },

  // Metrics from outside.
  "metric-unreadable": {
    exitCode: exitCodes.resource,
    what: "A source of metrics (Prometheus, Cloud Monitoring, Datadog) could not be read: it was not reached, it refused, it answered with several series, or its answer was not understood. Nothing is judged by it; a metric that cannot be read is never taken for zero.",
    next: "Try the query that the message names in the source itself; look at `sources` under `swap.metrics` in switchyard.yaml. An unreadable metric is asked again every 10 s, and the swap pauses after 5 times in a row.",
  },

  // The state of swaps, and who may write it.
  "lease-lost": {
    exitCode: exitCodes.error,
    what: "The process lost the lease of its environment in the middle of its work (it stood still, or could not reach the state store for too long), so that another one may have gone on. It stopped at once; weights stay as they are.",
    next: "Look with `npx switchyard swap status`; follow the process that goes on with `npx switchyard swap watch`, or go on with `npx switchyard swap resume`.",
  },
  "state-unreachable": {
    exitCode: exitCodes.resource,
    what: "The state store of the environment gave no usable answer, so that nobody can know who may write. Weights stay as they are.",
    next: "Check the network, the credentials and the settings under `state` in switchyard.yaml, then run the command again.",
  },
  "state-format": {
    exitCode: exitCodes.error,
    what: "The state store of the environment was written by another version of Switchyard. It is refused; nothing is changed.",
    next: "An older store: `npx switchyard state migrate`. A newer one: update Switchyard.",
  },
  "state-damaged": {
    exitCode: exitCodes.error,
    what: "A value in the state store does not have the form that Switchyard writes: it was changed by hand, or damaged. It is refused; nothing is changed.",
    next: "Put the value back that the message names.",
  },

  // Credentials of clouds.
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
  "acceptance-failed": {
    exitCode: exitCodes.error,
    what: "The candidate failed the acceptance suite on the dark route. No user's request had gone to it.",
    next: "Look at the candidate with `npx switchyard agent info --platform P` and `npx switchyard agent health --platform P`.",
  },
  "candidate-not-ready": {
    exitCode: exitCodes.timeout,
    what: "The candidate platform did not report ready within health_check_timeout.",
    next: "Look at the candidate's logs (locally in .switchyard/local/logs); raise health_check_timeout if it only needs longer.",
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
  "endpoints-missing": {
    exitCode: exitCodes.timeout,
    what: "The platform's endpoint groups did not appear in time, so that the balancer cannot reach it.",
    next: "Look at the annotation cloud.google.com/neg-status and the events of the Service in the cluster.",
  },
  "demo-failed": {
    exitCode: exitCodes.error,
    what: "The demo did not show what it is there to show: a request failed because of the swap, or a swap ended otherwise than it should.",
    next: "Look at the report that the message names; run the demo again.",
  },
  "drill-failed": {
    exitCode: exitCodes.error,
    what: "A campaign of the drill found what it is there to rule out, or could not be carried out.",
    next: "Look at the report that the message names; run the campaign again with the same seed.",
  },
  "environment-in-use": {
    exitCode: exitCodes.resource,
    what: "The demo needs the environment `local` for itself, and something of yours is there.",
    next: "Stop the local cloud, or remove what is up, as the message says.",
  },
  "image-invalid": {
    exitCode: exitCodes.configuration,
    what: "A folder cannot be built into an image.",
    next: "Correct the folder's package.json as the message says.",
  },
  "journal-corrupt": {
    exitCode: exitCodes.error,
    what: "A swap's journal was changed, or lost lines. It is refused as a whole; nothing is changed.",
    next: "Look at the real weights with `npx switchyard traffic show`, then move the journal away as the message shows, and keep it.",
  },
  "journal-format": {
    exitCode: exitCodes.error,
    what: "A swap's journal was written by another version of Switchyard. It is refused; nothing is changed.",
    next: "End the swap with the version that began it, or move the journal away as the message says.",
  },
  "platform-in-use": {
    exitCode: exitCodes.resource,
    what: "A platform cannot be taken away, because the balancer still knows it or sends requests to it.",
    next: "Move the traffic with `npx switchyard swap start --to gke`, then take the platform from the balancer with `npx switchyard up traffic.local --platforms gke`.",
  },
  "local-cloud-failed": {
    exitCode: exitCodes.error,
    what: "The local cloud could not be started, or did not answer.",
    next: "Look at .switchyard/local/logs/daemon.log, then run `npx switchyard local stop` and try again.",
  },
  "local-cloud-not-running": {
    exitCode: exitCodes.error,
    what: "The command needs the local cloud, and it does not run.",
    next: "Run `npx switchyard local start`.",
  },
  "no-swap": {
    exitCode: exitCodes.error,
    what: "There is no swap that the command could act on.",
    next: "Run `npx switchyard swap history` to see the swaps of the environment.",
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
  "port-in-use": {
    exitCode: exitCodes.resource,
    what: "A port that the local cloud was told to use is taken by another program.",
    next: "End that program, or choose another port.",
  },
  "stateless-violation": {
    exitCode: exitCodes.policy,
    what: "The workload keeps state on its platform, so that moving it would lose something.",
    next: "Move the named state to a service outside the platform.",
  },
  "swap-already-there": {
    exitCode: exitCodes.configuration,
    what: "The platform that a swap should go to serves already.",
    next: "Name another platform. A new image on the same one: `npx switchyard up STACK --image FOLDER`.",
  },
  "swap-cannot-return": {
    exitCode: exitCodes.error,
    what: "The swap has passed the point from which the old side could take the traffic back.",
    next: "Start a swap in the other direction.",
  },
  "swap-disabled": {
    exitCode: exitCodes.configuration,
    what: "Swaps are switched off for the environment (swap.enabled: false).",
    next: "Set swap.enabled to true in switchyard.yaml.",
  },
  "swap-failed": {
    exitCode: exitCodes.error,
    what: "The swap did not reach its end; the message says why and where traffic is now.",
    next: "Run `npx switchyard swap why` to see the numbers that decided.",
  },
  "swap-in-progress": {
    exitCode: exitCodes.error,
    what: "A swap of the environment is running; only one may.",
    next: "Follow it with `npx switchyard swap watch`, or stop it with `npx switchyard swap abort`.",
  },
  "swap-interrupted": {
    exitCode: exitCodes.error,
    what: "A swap of the environment was interrupted and has not ended. Weights are where it left them.",
    next: "Run `npx switchyard swap resume` to go on, or `npx switchyard swap abort` to go back.",
  },
  "swap-frozen": {
    exitCode: exitCodes.policy,
    what: "A freeze window holds, in which no swap starts and no step begins. Going back is always possible.",
    next: "Wait until the window ends, or change swap.freeze in switchyard.yaml.",
  },
  "swap-no-rollback-window": {
    exitCode: exitCodes.error,
    what: "There is no rollback window that could be ended: the swap has not come to it, or has none.",
    next: "Run `npx switchyard swap status` to see where the swap stands; a bake is ended with `npx switchyard swap promote`.",
  },
  "swap-not-baking": {
    exitCode: exitCodes.error,
    what: "The swap neither bakes nor is in its rollback window, so there is nothing to extend.",
    next: "Run `npx switchyard swap status` to see where the swap stands.",
  },
  "swap-not-promotable": {
    exitCode: exitCodes.error,
    what: "The swap is not at a point that a person could let pass.",
    next: "Run `npx switchyard swap status` to see where the swap stands.",
  },
  "swap-not-retryable": {
    exitCode: exitCodes.error,
    what: "There is nothing to try again: the swap was completed, or it runs and nothing of it failed.",
    next: "Run `npx switchyard swap status` to see where the swap stands.",
  },
  "swap-over-budget": {
    exitCode: exitCodes.policy,
    what: "A step of the swap would lose more requests than swap.error_budget allows, if the new side failed them all.",
    next: "Choose smaller steps with --ramp, raise swap.error_budget, or add --allow-over-budget. `npx switchyard swap plan --to gke` shows the numbers.",
  },
  "swap-paused": {
    exitCode: exitCodes.error,
    what: "The swap waits for a person. Weights are where it left them.",
    next: "Repair what the message names, then `npx switchyard swap resume`, or `npx switchyard swap abort` to go back.",
  },
  "weights-moved-elsewhere": {
    exitCode: exitCodes.resource,
    what: "Somebody else changed the balancer's weights in the middle of a swap.",
    next: "Look with `npx switchyard traffic show`; go back with `npx switchyard swap rollback`.",
  },
  // The Pulumi engine.
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

export type ErrorCode = keyof typeof catalogue;
