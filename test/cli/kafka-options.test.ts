import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, expect, test } from "vitest";
import { addKafkaOptions, kafkaBusOf } from "../../services/cli/kafka-options.js";
import { createLogger } from "../../services/shared/log.js";

const directory = mkdtempSync(join(tmpdir(), "kafka-options-"));
afterAll(() => rmSync(directory, { recursive: true }));
const log = createLogger("kafka-options-test");

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

function busOf(...words: string[]) {
  const command = addKafkaOptions(new Command());
  command.parse(words, { from: "user" });
  return kafkaBusOf(command.opts(), "fleet", log);
}

test("without --kafka there is no Kafka", () => {
  expect(busOf()).toBeUndefined();
});

test("brokers in plain text", () => {
  expect(busOf("--kafka", "kafka-1:9092, [::1]:9093")).toEqual({
    kind: "kafka",
    fleetId: "fleet",
    log,
    brokers: ["kafka-1:9092", "[::1]:9093"],
  });
});

test("TLS with a certificate, and SCRAM with a password from a file", () => {
  const [ca, cert, key] = ["ca", "cert", "key"].map((name) => file(name, `PEM of ${name}`)) as [string, string, string];
  const password = file("password", "secret\n");
  const tls = ["--kafka-ca", ca, "--kafka-cert", cert, "--kafka-key", key];
  const sasl = ["--kafka-user", "fleet", "--kafka-password", password, "--kafka-mechanism", "scram-sha-256"];
  expect(busOf("--kafka", "kafka:9093", ...tls, ...sasl, "--kafka-replication", "3")).toMatchObject({
    tls: { ca: "PEM of ca", cert: "PEM of cert", key: "PEM of key" },
    sasl: { mechanism: "scram-sha-256", username: "fleet", password: "secret" },
    replicationFactor: 3,
  });
});

test("--kafka-tls alone trusts the system's certificates", () => {
  expect(busOf("--kafka", "kafka:9093", "--kafka-tls")).toMatchObject({ tls: {} });
});

test.each([
  [["--kafka", "kafka"], '--kafka: "kafka" is not HOST:PORT'],
  [["--kafka", "kafka:9092,"], '--kafka: "" is not HOST:PORT'],
  [["--kafka", "k:1", "--kafka-cert", "/nowhere/cert"], "cannot be read"],
  [["--kafka", "k:1", "--kafka-user", "fleet"], "--kafka-password is needed too"],
  [["--kafka", "k:1", "--kafka-password", "/dev/null"], "--kafka-user is needed too"],
])("%j is refused", (words, message) => {
  expect(() => busOf(...words)).toThrow(message);
});
