// Ports of 127.0.0.1 that nothing uses, for processes that are started again where they were.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** So many different ones. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
