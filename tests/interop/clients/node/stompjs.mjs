// stompjs in node against the broker: stompjs.mjs PORT FOLDER SOCKET, a line of JSON about each task.
// FOLDER has node_modules; SOCKET is ws, or one of sockjs-client's transports.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { playAll, tasksOf } from "./tasks.mjs";

const [port, folder, socketName] = process.argv.slice(2);
const leftOut = (process.env.LEAVE_OUT ?? "").split(" ");
const require = createRequire(join(folder, "package.json"));
const stomp = require("@stomp/stompjs");

const say = (values) => console.log(JSON.stringify(values));

function versionOf(name) {
  return JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"))).version;
}

let socket;
if (socketName === "ws") {
  const { WebSocket } = require("ws");
  socket = (protocols) => new WebSocket(`ws://127.0.0.1:${port}/stomp/websocket`, protocols);
  say({ version: `${versionOf("@stomp/stompjs")}, ws ${versionOf("ws")}` });
} else {
  const SockJS = require("sockjs-client");
  socket = () => new SockJS(`http://127.0.0.1:${port}/stomp`, null, { transports: [socketName] });
  say({ version: `${versionOf("@stomp/stompjs")}, sockjs-client ${versionOf("sockjs-client")}` });
}

await playAll(tasksOf({ stomp, socket, carriesBinary: socketName === "ws" }), leftOut, say);
process.exit(0);
