// `npm run chaos`: runs this folder's TypeScript, and that of test/kafka which it needs, as the test runner would.
import { createViteServer } from "vitest/node";

const server = await createViteServer({
  root: new URL("../..", import.meta.url).pathname,
  configFile: false,
  appType: "custom",
  logLevel: "error",
  optimizeDeps: { noDiscovery: true },
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
});
try {
  const { main } = await server.ssrLoadModule("/test/chaos/run-chaos.ts");
  process.exitCode = await main(process.argv.slice(2));
} finally {
  await server.close();
}
