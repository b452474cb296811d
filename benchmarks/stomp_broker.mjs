// stomp-broker-js on a port of its own, which it prints; the end of standard input ends it.
// node stomp_broker.mjs FOLDER, where FOLDER has node_modules.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const StompServer = createRequire(join(process.argv[2], "package.json"))("stomp-broker-js");

const server = createServer();
new StompServer({ server, path: "/stomp" });
server.listen(0, "127.0.0.1", 1024, () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
