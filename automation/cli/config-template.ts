/**
 * What `switchyard init` writes. A test proves that it is valid and that it says the defaults; a line that begins with `#` and
 * a name right after it is a setting whose default depends on something else.
 */
export const configTemplate = `# yaml-language-server: $schema=./docs/schema/switchyard.schema.json
# Environments of this checkout. A stack is called <program>.<environment>, for example cloud-run.local.
# The local cloud: what a real one does, so that it can be tried here. Times are seconds.
local_cloud:
  # From an accepted change of weights to its effect on requests.
  propagation_delay: 0
  # From the first router worker that follows to the last, and whether each follows once and for all.
  propagation_spread: 0
  propagation_in_order: true
  router_workers: 1
  # From the end of a request to its entry in the request log.
  log_delay: 0
  # Added to the start of every Cloud Run instance.
  cold_start_delay: 0
  # From a Service's annotation to its endpoint groups.
  neg_delay: 0.5
environments:
  local:
    # local: everything runs on this machine. google: Google Cloud, with your own credentials.
    cloud: local
    # Region, and the host name under which the balancer serves the agent.
    region: us-central1
    domain: agent.local
    # Prefix of all resource names.
    prefix: kiro
    # The agent: an image with digest, or for a local environment a folder that is built.
    image: services/kiro
    # Weight probes a second through the balancer; on a cloud 20.
    #probes_per_second: 1000
    # Where the gates read finished requests: router (the local router's own feed), or logs (its request log, late as on
    # Google Cloud, see log_delay).
    #request_feed: router
    # Where swaps keep their journals and the lease: files (below .switchyard, for one machine), or dynamodb (for several;
    # with table, region and endpoint).
    #state:
      #store: files
    platforms:
      cloud-run:
        # Latency ceiling on this platform: p95 to the first byte, ms. And USD a month above which \`cost watch\` acts.
        performance_threshold: 10000
        #cost_threshold: 200
        auto_scale_config:
          min_instances: 1
      gke:
        performance_threshold: 10000
        auto_scale_config:
          min_instances: 2
    swap:
      # false refuses every swap.
      enabled: true
      # Shares of the new side, percent: rising, the last is 100.
      ramp: [1, 5, 25, 50, 100]
      # How much a step must show: demo (seconds, proves little about rates) or standard.
      profile: demo
      # Seconds until the new side must be ready.
      health_check_timeout: 120
      # Time floor of the whole ramp, seconds.
      traffic_shift_duration: 0
      # Ceiling on the new side's share of failed requests, 0-1.
      rollback_threshold: 0.05
      # How often the advance gate looks, seconds. The stop gate looks at every request.
      monitoring_interval: 1
      # What becomes of the new side when its swap is rolled back: remove or keep.
      after_rollback: remove
      # Longest wait for requests in flight on the side that is left, seconds.
      drain_timeout: 300
      # Seconds at 100 % before the old side may go. Without it the profile's: demo 5, standard 900.
      #bake: 5
      # Seconds after the bake in which the old side stays up, so that a rollback needs no start.
      rollback_window: 0
      # Requests that one step may lose if the new side fails them all; a step above it needs --allow-over-budget.
      error_budget: 1000
      # Seconds that the balancer takes at most to follow a weight everywhere. Without it: 600 on a cloud, here the local cloud's.
      #propagation: 100
      # Steps, percent, that wait for \`swap promote\` before they begin, for example [25, 100].
      approvals: []
      # Times in which no swap starts and no step begins; going back is always possible. Once, or every week:
      #   - {name: holidays, from: 2026-12-24T12:00:00+01:00, to: 2027-01-03T00:00:00+01:00}
      #   - {name: weekend, days: [fri], start: "17:00", end: "09:00", zone: Europe/Zurich}
      freeze: []
      # When the process that drives a swap dies the weights stay. A later process, after so many seconds: hold
      # (goes on) or revert (goes back).
      dead_man:
        policy: hold
        after: 600
      # Whether the old side keeps the instances that it has until the bake is over, and the new side has as many before it gets a share.
      hold_capacity: true
      # Whether a rollback also tells the new side to hand its requests to the old one, before the balancer follows.
      fail_back: false
      # The gates: risks per swap of blaming a healthy new side, and what a step must rule out.
      gates:
        error_alpha: 0.006
        latency_alpha: 0.003
        floor_alpha: 0.001
        # Gateway errors in a row on the new side that stop the swap at once.
        consecutive_gateway_errors: 5
        # Share of failed requests that is normal here; sizes the samples.
        base_error_rate: 0.001
        # What silence (no user request) does: pause, notify, or top-up with so many synthetic requests a second.
        on_silence: pause
        top_up_rate: 10
        # Without these the profile's (demo; standard): growth of the failed share that a step below 25 %, and one
        # from 25 % on, must rule out; a latency may be so many times the old side's, plus so many ms; seconds of
        # warm-up; seconds that count as silence; whether weight probes count as requests.
        #early_margin: 0.05
        #late_margin: 0.05
        #latency_ratio: 3
        #latency_slack: 100
        #warm_up: 1
        #silence_after: 30
        #count_probes: false
      # Metrics from outside that every step is judged by: docs/schema/switchyard.schema.json has all of their settings.
      metrics:
        # For example {name: cpu, source: prometheus, query: 'avg(rate(cpu_seconds{platform="{platform}"}[1m]))'},
        # with the place of the source under sources.
        checks: []
        # Scores (0-100) from which a measurement succeeds, and from which it is inconclusive; below it has failed.
        pass: 95
        marginal: 75
        # Seconds between measurements, and between points.
        interval: 60
        step: 10
        # How many failed, inconclusive and (in a row) unreadable measurements are let pass.
        failure_limit: 0
        inconclusive_limit: 0
        consecutive_error_limit: 4
    # The stateless rules: seconds between two checks of what really runs, during bake and rollback window; 0: none.
    stateless:
      compliance_every: 300
    # When \`switchyard health\` calls a platform unhealthy: bad of the last window looks; healthy again: good in a row.
    #health:
      #interval: 5
      #window: 5
      #bad: 3
      #good: 3
      # Seconds for an answer; shares of the limit of the fullest instance; waiting requests that strain.
      #timeout: 3
      #cpu: {degraded: 0.85, unhealthy: 1}
      #memory: {degraded: 0.8, unhealthy: 0.95}
      #min_requests: 20
      #queue: 10
    # What \`failover watch\` does outside swaps when the serving side fails and another platform stands by.
    #failover:
      # off, propose (the command is told) or automatic (traffic moves). It never goes back by itself.
      #policy: off
      #recover: never
      # The side fails when at least this share of its requests failed all through so many seconds with so many requests.
      #error_share: 0.5
      #window: 30
      #min_requests: 20
      # Seconds for which the standby must have been ready.
      #standby_healthy_for: 10
      # Seconds between two moves at the least, and moves within 24 hours at the most.
      #dwell: 600
      #max_moves: 3
    # Who is told when a swap fails, waits or goes back, and when the serving side fails. Secrets are never here, only where
    # they are: the NAME of an environment variable, file:PATH (mode 0600), or secret-manager:projects/P/secrets/S.
    #alerts:
      # {name: team, kind: slack, url_from: SLACK_WEBHOOK_URL}
      # {name: on-call, kind: pagerduty, routing_key_from: PAGERDUTY_ROUTING_KEY, severities: [critical], tier: 2}
      # {name: log, kind: webhook, url_from: ALERT_WEBHOOK_URL, secret_from: ALERT_WEBHOOK_SECRET}
      # {name: board, kind: module, module: ./alerts/board.ts, class: Board, options: {room: mesh}}
      #targets: []
      # Seconds in which an open alert is not told again; after which a critical one that has not ended goes to the next
      # tier; and after which it is told again.
      #dedup_window: 300
      #escalate_after: 900
      #repeat_after: 3600
      # Times in which alerts are kept and not told: {code: silence, until: 2027-01-03T00:00:00+01:00, why: holidays}
      #silences: []
    # What the environment uses in a month, where it is not observed; \`cost\` reckons with it. requests a month, duration in ms,
    # requests at once on a busy instance, share of idle time, and GiB of traffic out, logs and own calls; each a number or
    # {low: 1, expected: 2, high: 3}.
    #cost:
      #usage:
        #requests: 2000000
        #duration: 250
        #egress: 20
      # What \`cost watch\` does when a month of the serving platform costs more than its cost_threshold.
      #budget:
        # off, propose (the command is told) or automatic (the swap is started).
        #policy: off
        # How much cheaper another platform must be; hours between two moves at the least; seconds to watch first.
        #hysteresis: 0.1
        #dwell: 24
        #min_observation: 3600
        # Times in which it moves and proposes nothing, as swap.freeze; \`cost veto\` does that by hand.
        #veto: []
    # Which platform the environment belongs on (\`select\`, and \`swap start\` without --to).
    #selection:
      # What decides between those that can: environment (cloud-run for dev, gke for prod) or cost; or one platform by name.
      #prefer: environment
      #platform: gke
      # By how much of its cost another one must be cheaper than the serving one.
      #hysteresis: 0.1
      # What the platform must be able to do; also gpu, scale_to_zero, private_network, cpu_outside_requests, streaming.
      #requires:
        #longest_request: 300
        #websocket: false
        #min_instances: 0
        #regions: [us-central1]
# Istio upgrades over a fleet of EKS clusters (\`switchyard guard\`): every setting with its default. Secrets are never here, only
# where they are: the NAME of an environment variable, file:PATH (mode 0600), or secrets-manager:NAME[#KEY] of AWS.
#guard:
  # Region of the table and of the secrets. The table keeps registry, state, locks and documents: on AWS, at another endpoint, or
  # (local: true) in the local cloud. create_table makes it where there is none.
  #aws:
    #region: us-east-1
    #dynamodb:
      #table_name: guard-clusters
      # endpoint: http://127.0.0.1:8000
      #local: false
      #create_table: false
  # Where merge requests are made, who reviews them (user names), and links for them; {cluster_name} and {batch} are filled in.
  #gitlab:
    #url: https://gitlab.com
    #token_from: GITLAB_TOKEN
    #default_target_branch: main
    #labels: [guard]
    #reviewers: []
    #draft: false
    #dashboards: []
  # What traffic and control planes are judged by: datadog, prometheus or cloudwatch. Without a source nothing is compared, so that
  # every soak ends undecided.
  #metrics:
    # source: datadog
    # Destination services that are judged one by one, beside all together.
    #services: []
    #datadog:
      #site: datadoghq.com
      #api_key_from: DD_API_KEY
      #app_key_from: DD_APP_KEY
      # endpoint: https://api.datadoghq.com
      # Further signals, for example {cpu: {query: 'avg:x{cluster:{cluster_name}}', relative: 0.2}}, each a query or
      # {query, threshold, relative, required}. {control_plane} and {istiod} tell two control planes apart.
      #queries: {}
      #cache_minutes: 5
    # prometheus: {url: https://prometheus.example.com, token_from: PROMETHEUS_TOKEN, queries: {}}
    # cloudwatch: {namespace: ContainerInsights/Prometheus, queries: {}}
  #validation:
    # Gate A (after the control plane) and gate B (after the data plane), minutes; each at least warm_up_minutes and 5.
    #control_plane_soak_minutes: 15
    #soak_period_minutes: 60
    # After a rollout resources are not judged for so long; from the merge to the proof at most so long.
    #warm_up_minutes: 10
    #flux_sync_timeout_minutes: 15
    # How long results of checks hold, how old a baseline may be, and how long an old revision stays.
    #checks_valid_minutes: 60
    #baseline_hours: 24
    #hold_days: 3
    # Rises are shares of the baseline: 0.1 is 10 %.
    #thresholds:
      #latency_p95_increase: 0.1
      #latency_p99_increase: 0.15
      # Smaller rises, ms, never count.
      #latency_floor_ms: 5
      # Share of 5xx, and its rise.
      #error_rate_max: 0.001
      #error_rate_increase: 0.0005
      # CPU and memory.
      #istiod_resource_increase: 0.3
      #proxy_resource_increase: 0.25
      # In a window; share of pushes; p99 of proxy convergence.
      #xds_rejects_max: 10
      #push_errors_max: 0.01
      #convergence_increase: 0.5
      # Against the same hour of last week; and requests that a service must have to be judged.
      #volume_drop_max: 0.2
      #min_requests: 1000
  # How the data plane moves after the control plane's soak: automatic or manual (lists what is left), workloads at a time.
  #restart:
    #mode: automatic
    #wave_size: 5
    #ready_timeout_seconds: 300
    #exclude_namespaces: []
  #execution:
    #max_parallel_clusters: 5
    # Failed clusters that stop all waves.
    #failure_budget: 0
    # Of the lock of a batch; and between looks of \`guard monitor\`.
    #lease_seconds: 30
    #poll_seconds: 30
    # in-place or revision; one merge request for a batch, or per-cluster.
    #strategy: in-place
    #mr_strategy: batch
    # Times in which nothing begins, as swap.freeze; order of regions within a batch, and the pause between them.
    #freezes: []
    #regions: []
    #region_pause_minutes: 0
  # Requests a minute; never more than half of what a server says is left.
  #rate_limits:
    #gitlab_api: 300
    #datadog_api: 300
    #aws_api: 100
  # Further checks by module, for example {module: ./checks/dns.ts, class: DnsCheck}.
  #custom_checks: []
  # Batches that must be upgraded before one, for example {prod-wave-1: [staging]}.
  #batch_order: {}
  # Who is told, as alerts of an environment.
  #notifications:
    #targets: []
    #dedup_window: 300
    #escalate_after: 900
    #repeat_after: 3600
    #silences: []
  # EventBridge bus that is told of every change.
  # event_bus: {name: guard}
  # Hooks of merged branches (guard listen): where their token is.
  #listen:
    #token_from: GUARD_HOOK_TOKEN
  # Path of istioctl per minor, for example {"1.31": /opt/istioctl-1.31}. Default: from the PATH.
  #istioctl: {}
  # Advice on a failure from a language model; never an action.
  #llm:
    #enabled: false
    #provider: anthropic
    #max_tokens: 2000
`;
