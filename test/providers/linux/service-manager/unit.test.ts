// `systemctl show`, as it wrote it.
import { describe, expect, test } from "vitest";
import { ActiveState, LoadState } from "../../../../services/gen/systemsmanager/telemetry/v1/service_pb.js";
import {
  activeStateOf,
  isUnknown,
  loadStateOf,
  optionalNumber,
  parseUnits,
  parseUnitTime,
  sinceOf,
} from "../../../../services/providers/linux/service-manager/unit.js";
import { isTemplate, normalizeUnitName } from "../../../../services/providers/linux/service-manager/unit-name.js";

const cron = `Id=cron.service
Names=cron.service crond.service
Description=Regular = background program processing daemon
LoadState=loaded
ActiveState=active
ActiveEnterTimestamp=Sun 2026-11-22 21:13:49 UTC
InactiveEnterTimestamp=
MemoryCurrent=380928`;

test("blocks of properties, with an equals sign in a value and an empty value", () => {
  const units = parseUnits(`${cron}\n\nId=nope.service\nLoadState=not-found\nActiveState=inactive\n`);
  expect(units.map(({ Id }) => Id)).toEqual(["cron.service", "nope.service"]);
  expect(units[0]).toMatchObject({
    Description: "Regular = background program processing daemon",
    InactiveEnterTimestamp: "",
  });
  expect(units.map(isUnknown)).toEqual([false, true]);
  expect(parseUnits("")).toEqual([]);
});

test.each([
  ["Sun 2026-11-22 21:13:49 UTC", "2026-11-22T21:13:49.000Z"],
  ["", undefined],
  ["n/a", undefined],
  ["Sun 2026-11-22 21:13:49 CET", undefined],
])("time %j is %s", (text, expected) => {
  expect(parseUnitTime(text)?.toISOString()).toBe(expected);
});

describe("the time of the present state", () => {
  const times = {
    ActiveEnterTimestamp: "Sun 2026-11-22 00:00:01 UTC",
    InactiveEnterTimestamp: "Sun 2026-11-22 00:00:02 UTC",
    InactiveExitTimestamp: "Sun 2026-11-22 00:00:03 UTC",
    ActiveExitTimestamp: "Sun 2026-11-22 00:00:04 UTC",
  };
  test.each([
    ["active", 1],
    ["reloading", 1],
    ["failed", 2],
    ["inactive", 2],
    ["activating", 3],
    ["deactivating", 4],
  ])("%s", (ActiveStateText, second) => {
    expect(sinceOf({ ...times, ActiveState: ActiveStateText })?.getUTCSeconds()).toBe(second);
  });
});

test.each([
  ["380928", 380928n],
  ["[not set]", undefined],
  ["18446744073709551615", undefined],
  ["", undefined],
  [undefined, undefined],
])("number %j is %s", (text, expected) => {
  expect(optionalNumber(text)).toBe(expected);
});

test.each([
  ["loaded", LoadState.LOADED],
  ["not-found", LoadState.NOT_FOUND],
  ["masked", LoadState.MASKED],
  ["bad-setting", LoadState.ERROR],
  ["error", LoadState.ERROR],
  ["", LoadState.UNSPECIFIED],
])("load state %j is %i", (text, expected) => {
  expect(loadStateOf({ LoadState: text })).toBe(expected);
});

test.each([
  ["active", ActiveState.ACTIVE],
  ["failed", ActiveState.FAILED],
  ["something-new", ActiveState.UNSPECIFIED],
])("active state %j is %i", (text, expected) => {
  expect(activeStateOf({ ActiveState: text })).toBe(expected);
});

test.each([
  ["nginx", "nginx.service", false],
  ["nginx.service", "nginx.service", false],
  ["apt-daily.timer", "apt-daily.timer", false],
  ["org.bluez", "org.bluez.service", false],
  ["getty@", "getty@.service", true],
  ["getty@tty1", "getty@tty1.service", false],
])("name %s is %s", (name, unit, template) => {
  expect(normalizeUnitName(name)).toBe(unit);
  expect(isTemplate(unit)).toBe(template);
});
