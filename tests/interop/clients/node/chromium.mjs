// The demo's page in Chromium, and stompjs in there: chromium.mjs PORT FOLDER TRANSPORT PROGRAM.
// FOLDER has node_modules, TRANSPORT is one of the page's, PROGRAM is the browser. A line of JSON about each task.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [port, folder, transport, program] = process.argv.slice(2);
const leftOut = (process.env.LEAVE_OUT ?? "").split(" ");
const require = createRequire(join(folder, "package.json"));
const { chromium } = require("playwright-core");

const say = (values) => console.log(JSON.stringify(values));
const versionOf = (name) =>
  JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"))).version;

const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
const context = await browser.newContext({ bypassCSP: true });
context.setDefaultTimeout(60000);
const page = await context.newPage();
const troubles = [];
page.on("pageerror", (error) => troubles.push(String(error)));

async function throughThePage() {
  await page.goto(`http://127.0.0.1:${port}/`);
  await page.waitForSelector('body[data-libraries="all"]');
  await page.selectOption("#transport", transport);
  await page.click("#connect");
  await page.waitForSelector('body[data-state="connected"]');

  const subscribe = async (destination, ack) => {
    await page.fill("#destination", destination);
    await page.selectOption("#ack", ack);
    await page.click("#subscribe");
    await page.waitForSelector(`#subscriptions li[data-destination="${destination}"]`);
  };
  const send = async (destination, body) => {
    await page.fill("#send-destination", destination);
    await page.fill("#body", body);
    await page.check("#receipt");
    await page.click("#send");
    await page.waitForFunction(() => document.querySelector("#sent").textContent.includes("confirmed"));
  };
  const newest = (destination) => page.locator(`#messages li[data-destination="${destination}"]`).first();

  const topic = `/topic/page.${transport}`;
  await subscribe(topic, "auto");
  await send(topic, "größer 🎉");
  await newest(topic).locator(".body", { hasText: "größer 🎉" }).waitFor();

  const queue = `/queue/page.${transport}`;
  await subscribe(queue, "client-individual");
  await send(queue, "once more");
  await newest(queue).locator("button.nack").click();
  const again = page.locator(`#messages li[data-destination="${queue}"]`, { hasText: "redelivered" });
  await again.locator("button.ack").click();
  await page.waitForSelector('#messages li[data-settled="ack"]');

  await page.click("#disconnect");
  await page.waitForSelector('body[data-state="disconnected"]');
}

async function inThePage() {
  for (const name of ["stomp.umd.min.js", "sockjs.min.js"]) {
    await page.addScriptTag({ url: `/clients/${name}` });
  }
  const source = readFileSync(new URL("tasks.mjs", import.meta.url), "utf8").replace(/^export /gm, "");
  await page.exposeFunction("say", say);
  await page.evaluate(
    async ([source, transport, leftOut]) => {
      const { playAll, tasksOf } = new Function(`${source}; return { playAll, tasksOf };`)();
      const kind = transport.replace("stompjs-", "").replace("sockjs-", "");
      const carriesBinary = transport === "stompjs-websocket";
      const socket = carriesBinary
        ? (protocols) => new WebSocket(`ws://${location.host}/stomp/websocket`, protocols)
        : () => new window.SockJS("/stomp", null, { transports: [kind] });
      await playAll(tasksOf({ stomp: window.StompJs, socket, carriesBinary }), leftOut, window.say);
    },
    [source, transport, leftOut],
  );
}

try {
  const libraries = ["@stomp/stompjs", ...(transport === "stompjs-websocket" ? [] : ["sockjs-client"])];
  const versions = libraries.map((name) => `${name.replace("@stomp/", "")} ${versionOf(name)}`).join(", ");
  say({ version: `${browser.version()}, ${versions}` });
  try {
    await throughThePage();
    if (troubles.length) throw new Error(troubles.join("; "));
    say({ task: "page", outcome: "works", why: "" });
  } catch (error) {
    say({ task: "page", outcome: "failed", why: String(error).slice(0, 300) });
  }
  await inThePage();
} finally {
  await browser.close();
}
