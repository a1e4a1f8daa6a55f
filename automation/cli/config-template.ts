/** What `switchyard init` writes. A test proves that it is valid and that it says the defaults. */
export const configTemplate = `# yaml-language-server: $schema=./docs/schema/switchyard.schema.json
# Environments of this checkout. A stack is called <program>.<environment>, for example cloud-run.local.
# Times of the local cloud, seconds: what a real one takes, so that it can be tried here.
local_cloud:
  # From an accepted change of weights to its effect on requests.
  propagation_delay: 0
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
    platforms:
      cloud-run:
        # Latency ceiling of the advance gate on this platform: p95 to the first byte, ms.
        performance_threshold: 10000
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
`;
