// Services of one made-up host: those of its variant, and what changes made of them.
import { ChangeKind } from "../../../gen/systemsmanager/mutation/v1/change_pb.js";
import { type ManageServiceRequest, ServiceAction } from "../../../gen/systemsmanager/mutation/v1/service_pb.js";
import {
  ActiveState,
  type ListServicesRequest,
  LoadState,
} from "../../../gen/systemsmanager/telemetry/v1/service_pb.js";
import { ErrorReason, failure } from "../../../shared/errors.js";
import { createRandom } from "../seeded-random.js";

const names = [
  ..."auditd chrony containerd cron dbus docker getty@tty1 haproxy irqbalance keepalived kubelet mariadb memcached".split(
    " ",
  ),
  ..."networkd-dispatcher nginx node-exporter postgresql rabbitmq-server redis-server rsyslog serial-getty@ttyS0".split(
    " ",
  ),
  ..."smartd ssh systemd-journald systemd-logind systemd-networkd systemd-resolved systemd-timesyncd systemd-udevd".split(
    " ",
  ),
  ..."telegraf unattended-upgrades".split(" "),
].map((name) => `${name}.service`);

interface ServiceState {
  running: boolean;
  failed: boolean;
  enabled: string;
}

const defaultLimit = 500;
const runKinds: ReadonlyMap<ServiceAction, ChangeKind> = new Map([
  [ServiceAction.START, ChangeKind.START],
  [ServiceAction.STOP, ChangeKind.STOP],
  [ServiceAction.RESTART, ChangeKind.RESTART],
  [ServiceAction.RELOAD, ChangeKind.RELOAD],
]);
const bootStates: ReadonlyMap<ServiceAction, readonly [ChangeKind, string]> = new Map([
  [ServiceAction.ENABLE, [ChangeKind.ENABLE, "enabled"]],
  [ServiceAction.DISABLE, [ChangeKind.DISABLE, "disabled"]],
  [ServiceAction.MASK, [ChangeKind.MASK, "masked"]],
  [ServiceAction.UNMASK, [ChangeKind.UNMASK, "disabled"]],
]);

export type SimulatedServices = ReturnType<typeof createSimulatedServices>;

/** The services of a host of this variant; changes live as long as the object. */
export function createSimulatedServices(seed: string, variant: number) {
  const changed = new Map<string, ServiceState>();

  function stateOf(name: string): ServiceState {
    const known = changed.get(name);
    if (known) return known;
    const chance = createRandom(`${seed}/service/${variant}/${name}`)();
    return { running: chance > 0.1, failed: chance < 0.01, enabled: chance > 0.05 ? "enabled" : "disabled" };
  }

  function list({ names: wanted, activeStates, limit }: ListServicesRequest) {
    const services = (wanted.length === 0 ? names : wanted.map(findUnit))
      .map((name) => describe(name, stateOf(name)))
      .filter(({ activeState }) => activeStates.length === 0 || activeStates.includes(activeState));
    const shown = services.slice(0, limit || defaultLimit);
    const failedCount = services.filter(({ activeState }) => activeState === ActiveState.FAILED).length;
    return { services: shown, failedCount, omittedCount: services.length - shown.length };
  }

  /** What the request would change; `apply` changes it. */
  function manage({ name, action, dryRun }: ManageServiceRequest) {
    const unit = findUnit(name);
    const before = stateOf(unit);
    const after = nextState(before, action);
    const { from, to, kind } = changeOf(before, after, action);
    if (!dryRun) changed.set(unit, after);
    const isChange = from !== to || action === ServiceAction.RESTART || action === ServiceAction.RELOAD;
    return { changes: isChange ? [{ subject: unit, kind, from, to }] : [], dryRun };
  }

  return { list, manage };
}

function findUnit(name: string): string {
  const unit = name.includes(".") ? name : `${name}.service`;
  if (names.includes(unit)) return unit;
  throw failure(ErrorReason.UNKNOWN_UNIT, `the simulated host has no service ${JSON.stringify(name)}`, {
    metadata: { unit: name },
    remedy: `use one of ${names.slice(0, 5).join(", ")} …, as ListServices shows`,
  });
}

function describe(name: string, { running, failed, enabled }: ServiceState) {
  const activeState = running ? ActiveState.ACTIVE : failed ? ActiveState.FAILED : ActiveState.INACTIVE;
  return {
    name,
    description: `Simulated ${name}`,
    loadState: enabled === "masked" ? LoadState.MASKED : LoadState.LOADED,
    activeState,
    subState: running ? "running" : failed ? "failed" : "dead",
    enabledState: enabled,
    mainPid: running ? 1_000 + names.indexOf(name) : 0,
    result: failed ? "exit-code" : "success",
    exitStatus: failed ? 1 : 0,
    restartCount: 0,
  };
}

function nextState(before: ServiceState, action: ServiceAction): ServiceState {
  const boot = bootStates.get(action);
  if (boot) return { ...before, enabled: boot[1] };
  return { ...before, running: action !== ServiceAction.STOP, failed: false };
}

function changeOf(before: ServiceState, after: ServiceState, action: ServiceAction) {
  const boot = bootStates.get(action);
  if (boot) return { from: before.enabled, to: after.enabled, kind: boot[0] };
  const words = ({ running, failed }: ServiceState) =>
    running ? "active (running)" : failed ? "failed (failed)" : "inactive (dead)";
  return { from: words(before), to: words(after), kind: runKinds.get(action) as ChangeKind };
}
