import { TrafficEdge } from "../components/traffic/traffic-edge.ts";
import { readTrafficConfig } from "./config.ts";
import { currentConfig } from "./config-source.ts";

/** The way in. Outputs: what the swap needs, and the DNS records that prove the hosts. */
export async function traffic(): Promise<Record<string, unknown>> {
  const { gkeZones, ...settings } = readTrafficConfig(currentConfig());
  const edge = new TrafficEdge("edge", { ...settings, zones: { gke: gkeZones } });
  return {
    urlMap: edge.urlMapName,
    address: edge.address,
    backendServices: edge.backendServices,
    domain: settings.domain,
    darkHost: edge.darkHost,
    rehearsalHost: edge.rehearsalHost,
    platforms: settings.platforms,
    dnsRecords: edge.dnsRecords,
  };
}
