/** Direction of imports (docs/architecture.md) and no cycles. Run by `npm run check`. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from },
  to: { path: "^(automation|components|local|policy|services|stacks|tools)/", pathNot: allowed },
});

export default {
  forbidden: [
    {
      name: "no-cycles",
      severity: "error",
      comment: "Two files that need each other are one thing, or a third.",
      from: {},
      to: { circular: true },
    },
    only("components", "^components/", "^components/", "Components stand on their own."),
    only("stacks", "^stacks/", "^(stacks|components)/", "stacks -> components."),
    only("services", "^services/", "^services/", "What is deployed knows nothing of who deploys it."),
    only(
      "local",
      "^local/",
      "^(local/|services/kiro/(contract|otlp)\\.ts$)",
      "The local cloud knows nothing of automation.",
    ),
    only(
      "tools",
      "^tools/",
      "^(tools/|services/kiro/contract\\.ts$|automation/((errors|error-catalogue)\\.ts$|cli/|swap/|guard/registry/state(-names|-moves)?\\.ts$|adapters/pulumi-))",
      "Tools generate from the source; nothing but the demo's load needs them.",
    ),
    only(
      "ports",
      "^automation/ports/",
      "^(automation/(ports/|stateless/(finding|scan)\\.ts$|(errors|error-catalogue)\\.ts$)|services/kiro/contract\\.ts$)",
      "Ports are interfaces.",
    ),
    only(
      "swap",
      "^automation/swap/",
      "^(automation/(swap/|stateless/|ports/|(errors|error-catalogue|nearest|hash-chain)\\.ts$)|services/kiro/contract\\.ts$)",
      "swap -> ports.",
    ),
    only(
      "drill",
      "^automation/drill/",
      "^(automation/(drill/|alerts/|swap/|stateless/|failover/|guard/|ports/|(errors|error-catalogue)\\.ts$)|services/kiro/contract\\.ts$)",
      "drill -> swap, guard.",
    ),
    only(
      "failover",
      "^automation/failover/",
      "^(automation/(failover/|swap/|ports/|(errors|error-catalogue)\\.ts$)|services/kiro/contract\\.ts$)",
      "failover -> swap.",
    ),
    only(
      "alerts",
      "^automation/alerts/",
      "^automation/(alerts/|swap/|failover/|guard/registry/(record|state-names)\\.ts$|ports/|(errors|error-catalogue|module-entry|nearest|secret-place)\\.ts$)",
      "alerts -> swap, failover, guard's record: what they say becomes what people are told.",
    ),
    only(
      "cost",
      "^automation/cost/",
      "^automation/(cost/|swap/|ports/|(errors|error-catalogue|nearest)\\.ts$)",
      "cost -> swap.",
    ),
    only(
      "stateless",
      "^automation/stateless/",
      "^automation/(stateless/|ports/|(errors|error-catalogue|nearest)\\.ts$)",
      "Rules over resources.",
    ),
    only(
      "policy",
      "^policy/",
      "^(policy/|automation/stateless/|components/shared/light-pulumi\\.ts$)",
      "The pack is a thin face of the rules.",
    ),
    only(
      "guard",
      "^automation/guard/",
      "^automation/(guard/|ports/|alerts/settings\\.ts$|swap/(freeze|zoned-time)\\.ts$|(errors|error-catalogue|module-entry|nearest|secret-place)\\.ts$)",
      "guard -> ports; the freeze calendar is the swap's, who is told is the alerts'.",
    ),
    only(
      "audit",
      "^automation/audit/",
      "^automation/(audit/|ports/|(errors|error-catalogue|hash-chain)\\.ts$)",
      "The audit log is of no command in particular.",
    ),
    only(
      "selection",
      "^automation/selection/",
      "^automation/(selection/|ports/|(errors|error-catalogue)\\.ts$)",
      "Which platform: rules and preferences, without I/O.",
    ),
    only(
      "metrics",
      "^automation/metrics/",
      "^(automation/(metrics/|swap/|ports/|(errors|error-catalogue)\\.ts$)|services/kiro/contract\\.ts$)",
      "metrics -> swap's journals.",
    ),
    only(
      "health",
      "^automation/health/",
      "^automation/(health/|metrics/|ports/|(errors|error-catalogue)\\.ts$)",
      "health -> metrics.",
    ),
    only(
      "adapters",
      "^automation/adapters/",
      "^(automation/(adapters/|ports/|stateless/|(errors|error-catalogue)\\.ts$)|services/kiro/contract\\.ts$|components/shared/(light-pulumi|literal-secret)\\.ts$)",
      "adapters -> ports.",
    ),
    {
      name: "only-compose-wires",
      severity: "error",
      comment: "cli/compose.ts and its other parts are the only wiring; others take types only.",
      from: {
        path: "^automation/",
        pathNot:
          "^automation/(cli/compose(-environment|-guard|-guard-hooks|-guard-llm|-guard-run|-guard-telemetry|-guard-told|-image|-tracer)?\\.ts$|adapters/)",
      },
      to: { path: "^(automation/adapters|stacks|local)/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "load-messages-only",
      severity: "error",
      comment: "The load generator is a process; only its messages are shared.",
      from: { path: "^automation/" },
      to: { path: "^tools/", pathNot: "^tools/load-generator/messages\\.ts$" },
    },
    {
      name: "decide-is-pure",
      severity: "error",
      comment: "A decision imports no I/O, no clock, no process.",
      from: {
        path: "^automation/(stateless/|audit/(entry|verify)\\.ts$|guard/(merge-request/(merge-state|text|mark|markdown|line-change|branch-check|gate)|registry/state-.*|plan/(versions|support|hops)|facts/.*|proof/(proof|part|rollout|proxies-by-version|references)|data-plane/(restart|shares)|bundle/(redact|document)|simulation/.*|rules/(evidence|rule|book|versions|sources|install|workloads|cluster|fleet|notes)|edit/.*)\\.ts$|(swap|guard|failover|drill)/(decide.*|decision|state|fold|events|effects|plan|freeze|reasons|compliance|stateless-settings|metric-state|trace|gates/.*|judge/.*)\\.ts$)",
      },
      to: { path: ["^node:", "^automation/adapters/"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "metrics-and-health-are-pure",
      severity: "error",
      comment: "The model is arithmetic; collect.ts and watch.ts ask ports.",
      from: { path: "^automation/(metrics|health)/" },
      to: { path: ["^node:", "^automation/adapters/"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "alert-decisions-are-pure",
      severity: "error",
      comment: "Who is told of what is decided without I/O; desk.ts alone keeps and sends.",
      from: { path: "^automation/alerts/", pathNot: "^automation/alerts/desk\\.ts$" },
      to: {
        path: ["^node:", "^automation/adapters/", "^automation/alerts/desk\\.ts$"],
        dependencyTypesNot: ["type-only"],
      },
    },
    {
      name: "cost-and-selection-are-pure",
      severity: "error",
      comment: "Bills, the choice of a platform and the budget's decision import no I/O, no clock, no process.",
      from: {
        path: "^automation/(selection/|cost/(bill.*|load-model|price.*|sizes|usage|budget-decide|budget-settings)\\.ts$)",
      },
      to: { path: ["^node:", "^automation/adapters/"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "client-libraries-in-adapters",
      severity: "error",
      comment: "One adapter file per outside system; the local cloud's servers have their own.",
      from: { path: "^(automation/(cli|swap|guard|ports)|components|stacks)/" },
      to: {
        path: "node_modules/(undici|google-auth-library|@opentelemetry|@grpc/grpc-js|pidusage|@aws-sdk|@gitbeaker|@kubernetes|dynalite)/",
      },
    },
    {
      name: "table-of-programs-is-light",
      severity: "error",
      comment: "Every command with an engine loads the table; Pulumi's SDK takes 0.4 s more.",
      from: { path: "^stacks/programs\\.ts$" },
      to: { path: "node_modules/@pulumi/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "dynamodb-in-one-file",
      severity: "error",
      comment: "adapters/dynamodb.ts speaks to DynamoDB; the state's and guard's stores are built on it.",
      from: { path: "^automation/", pathNot: "^automation/adapters/dynamodb\\.ts$" },
      to: { path: "node_modules/@aws-sdk/client-dynamodb/" },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(test|docs|node_modules/.*/node_modules)/" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
