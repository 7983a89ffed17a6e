import { startFiveHosts } from "./five-hosts.js";
import { testFiveHosts } from "./five-hosts-scenarios.js";

testFiveHosts("five real hosts", startFiveHosts);
