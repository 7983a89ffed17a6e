// Brings Kafka's jars into the cache: `node test/kafka/prepare.mjs` prints their directory. Plain JavaScript, because the setup
// runs it before anything is built.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const copyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/** Directory with the jars of the version that pom.xml names; downloaded once. Two processes may call it at one time. */
export function prepareKafka() {
  const pom = join(folder, "pom.xml");
  const [, version] = /<kafka\.version>(.+)<\/kafka\.version>/.exec(readFileSync(pom, "utf8")) ?? [];
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "systems-manager");
  const jars = join(cache, `kafka-${version}`);
  checkProgram("java", "a Java runtime of version 17 or later", "default-jdk-headless");
  if (existsSync(jars)) return jars;
  checkProgram("mvn", "Maven", "maven");
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, "kafka-download-"));
  try {
    const options = ["-q", "-B", "-f", pom, "-DincludeScope=runtime", `-DoutputDirectory=${fresh}`];
    run("mvn", [...options, copyPlugin]);
    moveIntoPlace(fresh, jars);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  return jars;
}

function moveIntoPlace(fresh, jars) {
  try {
    renameSync(fresh, jars);
  } catch (error) {
    // Another process was faster, with the same jars.
    if (!existsSync(jars)) throw error;
  }
}

function checkProgram(program, what, packageName) {
  const result = spawnSync(program, ["--version"], { stdio: "ignore" });
  if (result.status === 0) return;
  throw new Error(`the Kafka of the tests needs ${what}: install ${packageName}, so that ${program} --version works`);
}

function run(program, args) {
  const result = spawnSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (result.status === 0) return;
  const output = `${result.stdout}${result.stderr}`.slice(-4_000);
  throw new Error(
    `${program} ${args.join(" ")} failed: ${result.error?.message ?? `exit ${result.status}`}\n${output}`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(prepareKafka());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
