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
`;
