/** Rules 27 to 31: the calendar, the waves, and who may change what. Pure. */
import { type FreezeWindow, frozenAt } from "../../swap/freeze.ts";
import { isZone } from "../../swap/zoned-time.ts";
import { formatVersion, minorOf, minorsBetween } from "../plan/versions.ts";
import { check, type Hit, type Rule, some } from "./rule.ts";

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const unknownZone = (window: FreezeWindow): string | undefined =>
  "zone" in window && !isZone(window.zone) ? window.zone : undefined;

const calendar: Rule = {
  id: "G27",
  title: "No freeze, earlier waves are through, and no wave holds two clusters of one mesh",
  link: "https://sre.google/sre-book/release-engineering/",
  checks: [
    check({
      name: "freeze",
      needs: ["fleet"],
      find({ fleet: { freezes } }, { at }) {
        const zones = freezes.map(unknownZone).filter((zone) => zone !== undefined);
        if (zones.length > 0)
          return [
            {
              subject: "the freeze calendar",
              evidence: `${some(zones)} is no time zone`,
              fix: "Name an IANA zone, for example Europe/Zurich.",
              level: "undecided",
            },
          ];
        const freeze = frozenAt(freezes, at);
        return freeze === undefined
          ? []
          : [
              {
                subject: freeze.name,
                evidence: `it holds until ${new Date(freeze.until).toISOString()}`,
                fix: "Wait until it is over.",
              },
            ];
      },
    }),
    check({
      name: "wave-order",
      needs: ["fleet"],
      find: ({ fleet }) => [
        ...fleet.earlierWaves
          .filter(({ state }) => state !== "upgraded")
          .map(({ name, state }) => ({
            subject: `wave ${name}`,
            evidence: `it comes before and is ${state}`,
            fix: "Wait until it is upgraded.",
          })),
        ...(fleet.failures < fleet.failureBudget || fleet.failureBudget === 0
          ? []
          : [
              {
                subject: "the failure budget",
                evidence: `${fleet.failures} of ${fleet.failureBudget} failures are spent`,
                fix: "Find the common cause before the next wave.",
              },
            ]),
      ],
    }),
    check({
      name: "wave-members",
      needs: ["fleet"],
      find({ fleet }) {
        const pairs: Hit[] = [];
        for (const [index, one] of fleet.wave.entries())
          for (const other of fleet.wave.slice(index + 1)) {
            if (one.meshId === "" || one.meshId !== other.meshId) continue;
            pairs.push({
              subject: `${one.cluster} and ${other.cluster}`,
              evidence: `both are of the mesh ${one.meshId} and would move at once`,
              fix: "Put them into different waves.",
            });
          }
        return pairs;
      },
    }),
    check({
      name: "mesh-peers",
      needs: ["fleet"],
      find: ({ fleet }, { hop }) =>
        fleet.peers
          .filter(({ version }) => Math.abs(minorsBetween(minorOf(version), minorOf(hop.to)) ?? 2) > 1)
          .map(({ cluster, version }) => ({
            subject: cluster,
            evidence: `it is of the same mesh at ${formatVersion(version)}, more than a minor from ${formatVersion(hop.to)}`,
            fix: "Bring it along before this cluster goes on.",
          })),
    }),
  ],
};

const lock: Rule = {
  id: "G28",
  title: "The batch's lock is ours, and states are written conditionally",
  link: "https://martin.kleppmann.com/2016/02/08/how-to-do-distributed-locking.html",
  checks: [
    check({
      name: "lock",
      needs: ["lock"],
      find({ lock: { held, fence, highestFence, conditionalWrites } }) {
        const hits: Hit[] = [];
        if (!held)
          hits.push({
            subject: "the batch",
            evidence: "another process holds its lock",
            fix: "Wait, or look at guard's status.",
          });
        if (fence < highestFence)
          hits.push({
            subject: "the batch",
            evidence: `our token is ${fence}, and ${highestFence} was given out since`,
            fix: "Stop: another process has taken over.",
          });
        if (!conditionalWrites)
          hits.push({
            subject: "the state store",
            evidence: "it does not refuse a write of an older version",
            fix: "Use a store with conditional writes.",
          });
        return hits;
      },
    }),
  ],
};

const review: Rule = {
  id: "G29",
  title: "One merge request, ours alone, that somebody else approves",
  link: "https://docs.gitlab.com/user/project/merge_requests/approvals/",
  checks: [
    check({
      name: "merge-request",
      needs: ["gitlab"],
      find({ gitlab }, { at }) {
        const hits: Hit[] = gitlab.openMergeRequests.map(({ iid, branch }) => ({
          subject: `!${iid}`,
          evidence: `it is open for the same clusters and component (${branch})`,
          fix: "Merge or close it first.",
        }));
        if (gitlab.foreignCommits.length > 0)
          hits.push({
            subject: some(gitlab.foreignCommits.map(({ sha, author }) => `${sha.slice(0, 8)} by ${author}`)),
            evidence: `${gitlab.foreignCommits.length} commits on our branch are not ours`,
            fix: "Close the merge request and begin a new attempt.",
          });
        if (gitlab.approvalsRequired < 1)
          hits.push({ subject: "the project", evidence: "it requires no approval", fix: "Require at least one." });
        if (gitlab.authorMayApprove)
          hits.push({
            subject: "the project",
            evidence: "an author may approve their own",
            fix: "Prevent approval by author.",
          });
        if (gitlab.pathsWithoutOwner.length > 0)
          hits.push({
            subject: some(gitlab.pathsWithoutOwner),
            evidence: `${gitlab.pathsWithoutOwner.length} paths have no owner in CODEOWNERS`,
            fix: "Name an owner.",
            level: "warn",
          });
        const left = gitlab.tokenExpiresAt - at;
        if (left < 14 * dayMs)
          hits.push({
            subject: "the token",
            evidence: left <= 0 ? "it has expired" : `it expires in ${Math.floor(left / dayMs)} days`,
            fix: "Renew it.",
            level: left <= 0 ? "block" : "warn",
          });
        return hits;
      },
    }),
  ],
};

const fresh: Rule = {
  id: "G30",
  title: "The results are still valid when the merge request is merged",
  link: "https://docs.gitlab.com/ci/pipelines/merge_request_pipelines/",
  checks: [
    check({
      name: "stale-results",
      needs: ["checks"],
      find({ checks: { ranAt, validMinutes } }, { at }) {
        const minutes = (at - ranAt) / minuteMs;
        if (minutes >= 0 && minutes <= validMinutes) return [];
        return [
          {
            subject: "the check results",
            evidence:
              minutes < 0
                ? "they are from the future: a clock is wrong"
                : `they are ${Math.floor(minutes)} minutes old and valid for ${validMinutes}`,
            fix: "Run the checks again.",
          },
        ];
      },
    }),
  ],
};

const credentials: Rule = {
  id: "G31",
  title: "Credentials outlive the soak, or are renewed for each call",
  link: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use.html#id_roles_terms-and-concepts",
  checks: [
    check({
      name: "credentials-expire",
      needs: ["credentials"],
      find: ({ credentials: { refreshed, sessionMinutes, soakMinutes } }) =>
        refreshed || sessionMinutes > soakMinutes
          ? []
          : [
              {
                subject: "the session",
                evidence: `it lasts ${sessionMinutes} minutes and the soak ${soakMinutes}`,
                fix: "Assume the role again for each call.",
              },
            ],
    }),
  ],
};

export const fleetRules: readonly Rule[] = [calendar, lock, review, fresh, credentials];
