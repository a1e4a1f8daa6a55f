/** Every command, by its words. */
import AgentCall from "./agent/call.ts";
import AgentHealth from "./agent/health.ts";
import AgentInfo from "./agent/info.ts";
import AgentMetrics from "./agent/metrics.ts";
import AlertList from "./alert/list.ts";
import AlertResolve from "./alert/resolve.ts";
import AlertRetry from "./alert/retry.ts";
import AlertSilence from "./alert/silence.ts";
import AlertTest from "./alert/test.ts";
import AlertUnsilence from "./alert/unsilence.ts";
import AuditSetAside from "./audit/set-aside.ts";
import AuditShow from "./audit/show.ts";
import AuditVerify from "./audit/verify.ts";
import Compare from "./compare.ts";
import CostVeto from "./cost/veto.ts";
import CostWatch from "./cost/watch.ts";
import Cost from "./cost.ts";
import Demo from "./demo.ts";
import Destroy from "./destroy.ts";
import Doctor from "./doctor.ts";
import FailoverRun from "./failover/run.ts";
import FailoverWatch from "./failover/watch.ts";
import GuardBundle from "./guard/bundle.ts";
import GuardCheck from "./guard/check.ts";
import GuardDiff from "./guard/diff.ts";
import GuardDrill from "./guard/drill.ts";
import GuardGate from "./guard/gate.ts";
import GuardImportConfig from "./guard/import-config.ts";
import GuardList from "./guard/list.ts";
import GuardListen from "./guard/listen.ts";
import GuardMonitor from "./guard/monitor.ts";
import GuardPlan from "./guard/plan.ts";
import GuardRegistryAdd from "./guard/registry/add.ts";
import GuardRegistryExport from "./guard/registry/export.ts";
import GuardRegistryImport from "./guard/registry/import.ts";
import GuardRegistryRemove from "./guard/registry/remove.ts";
import GuardRegistryShow from "./guard/registry/show.ts";
import GuardRegistryUpdate from "./guard/registry/update.ts";
import GuardResume from "./guard/resume.ts";
import GuardRollback from "./guard/rollback.ts";
import GuardRun from "./guard/run.ts";
import GuardSources from "./guard/sources.ts";
import GuardStatus from "./guard/status.ts";
import GuardValidate from "./guard/validate.ts";
import Health from "./health.ts";
import ImageBuild from "./image/build.ts";
import Init from "./init.ts";
import LocalEnv from "./local/env.ts";
import LocalStart from "./local/start.ts";
import LocalStatus from "./local/status.ts";
import LocalStop from "./local/stop.ts";
import Metrics from "./metrics.ts";
import Outputs from "./outputs.ts";
import Preview from "./preview.ts";
import Refresh from "./refresh.ts";
import Scan from "./scan.ts";
import Select from "./select.ts";
import Stacks from "./stacks.ts";
import StateMigrate from "./state/migrate.ts";
import StateSetAside from "./state/set-aside.ts";
import SwapAbort from "./swap/abort.ts";
import SwapDecommission from "./swap/decommission.ts";
import SwapDrill from "./swap/drill.ts";
import SwapExtendBake from "./swap/extend-bake.ts";
import SwapHistory from "./swap/history.ts";
import SwapPause from "./swap/pause.ts";
import SwapPlan from "./swap/plan.ts";
import SwapPromote from "./swap/promote.ts";
import SwapResume from "./swap/resume.ts";
import SwapRetry from "./swap/retry.ts";
import SwapRollback from "./swap/rollback.ts";
import SwapStart from "./swap/start.ts";
import SwapStatus from "./swap/status.ts";
import SwapWatch from "./swap/watch.ts";
import SwapWhy from "./swap/why.ts";
import TrafficSet from "./traffic/set.ts";
import TrafficShow from "./traffic/show.ts";
import Up from "./up.ts";

export const commands = {
  "agent:call": AgentCall,
  "agent:health": AgentHealth,
  "agent:info": AgentInfo,
  "agent:metrics": AgentMetrics,
  "audit:set-aside": AuditSetAside,
  "audit:show": AuditShow,
  "audit:verify": AuditVerify,
  "alert:list": AlertList,
  "alert:resolve": AlertResolve,
  "alert:retry": AlertRetry,
  "alert:silence": AlertSilence,
  "alert:test": AlertTest,
  "alert:unsilence": AlertUnsilence,
  cost: Cost,
  "cost:veto": CostVeto,
  "cost:watch": CostWatch,
  compare: Compare,
  demo: Demo,
  destroy: Destroy,
  doctor: Doctor,
  "failover:run": FailoverRun,
  "failover:watch": FailoverWatch,
  "guard:validate": GuardValidate,
  health: Health,
  "guard:bundle": GuardBundle,
  "guard:check": GuardCheck,
  "guard:diff": GuardDiff,
  "guard:drill": GuardDrill,
  "guard:gate": GuardGate,
  "guard:import-config": GuardImportConfig,
  "guard:list": GuardList,
  "guard:listen": GuardListen,
  "guard:monitor": GuardMonitor,
  "guard:plan": GuardPlan,
  "guard:registry:add": GuardRegistryAdd,
  "guard:registry:export": GuardRegistryExport,
  "guard:registry:import": GuardRegistryImport,
  "guard:registry:remove": GuardRegistryRemove,
  "guard:registry:show": GuardRegistryShow,
  "guard:registry:update": GuardRegistryUpdate,
  "guard:resume": GuardResume,
  "guard:rollback": GuardRollback,
  "guard:run": GuardRun,
  "guard:status": GuardStatus,
  "guard:sources": GuardSources,
  "image:build": ImageBuild,
  init: Init,
  "local:env": LocalEnv,
  "local:start": LocalStart,
  "local:status": LocalStatus,
  "local:stop": LocalStop,
  metrics: Metrics,
  outputs: Outputs,
  preview: Preview,
  refresh: Refresh,
  scan: Scan,
  select: Select,
  stacks: Stacks,
  "swap:abort": SwapAbort,
  "swap:decommission": SwapDecommission,
  "swap:extend-bake": SwapExtendBake,
  "swap:drill": SwapDrill,
  "swap:history": SwapHistory,
  "swap:pause": SwapPause,
  "swap:plan": SwapPlan,
  "swap:promote": SwapPromote,
  "swap:resume": SwapResume,
  "swap:retry": SwapRetry,
  "swap:rollback": SwapRollback,
  "swap:start": SwapStart,
  "swap:status": SwapStatus,
  "swap:watch": SwapWatch,
  "swap:why": SwapWhy,
  "state:migrate": StateMigrate,
  "state:set-aside": StateSetAside,
  "traffic:set": TrafficSet,
  "traffic:show": TrafficShow,
  up: Up,
};
