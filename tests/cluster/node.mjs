// A validator-like node without its cheat codes: node node.mjs → one line of JSON with its URLs; it ends when its input is closed.
import { createRequire } from "node:module";

const surfpool = createRequire(import.meta.url)("@solana/surfpool-linux-x64-gnu"); // a native module is not imported but required
const SLOT_MS = 400;
const DRAIN_EVERY_MS = 100; // a full queue of events would stop the node after about 1,000 transactions

const node = surfpool.Surfnet.startWithConfig({ offline: true, blockProductionMode: "clock", slotTimeMs: SLOT_MS });
setInterval(() => node.drainEvents(), DRAIN_EVERY_MS);
process.stdin.on("end", () => process.exit(0)).resume();
console.log(JSON.stringify({ rpcUrl: node.rpcUrl, wsUrl: node.wsUrl }));
