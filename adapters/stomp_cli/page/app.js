// The page: forms on one side, what passes on the other.
//
// What lives here knows the document. It must not know how STOMP is written, nor what carries it.

import { WAYS, missingLibraries, open } from "./transports.js";
import { Chart } from "./chart.js";
import { Log } from "./log.js";

const $ = (id) => document.getElementById(id);
const wishes = new URLSearchParams(location.search);
const MOST_MESSAGES = 100;

let connection = null;
let state = "disconnected";
let attempt = 0;
let again = null;
let receipts = 0;
let received = 0;
let numbers = 0;
const subscriptions = new Map();
const waiting = new Map();
const chart = new Chart($("chart"), $("chart-text"), $("peak"), $("rate"));
const log = new Log($("log"), $("frames"), $("pause"), $("beats"));

function become(next, sentence) {
  state = document.body.dataset.state = next;
  $("status-text").textContent = sentence;
  const connected = next === "connected";
  $("connect").disabled = $("transport").disabled = next !== "disconnected";
  $("disconnect").disabled = next === "disconnected";
  $("send").disabled = $("subscribe").disabled = !connected;
}

// Connecting

async function connect() {
  const name = $("transport").value;
  attempt += 1;
  const mine = attempt;
  const current = () => mine === attempt;
  become("connecting", "connecting ...");
  let failure = "";
  const heard = {
    wire: log.passed,
    opened: (headers) => {
      if (!current()) return;
      again = null;
      become("connected", `connected to ${headers.server ?? "the server"}, STOMP ${headers.version}`);
      for (const [id, subscription] of subscriptions) sendSubscribe(id, subscription);
    },
    message: (message) => current() && show(message),
    receipt: settled,
    failed: (sentence) => {
      failure = sentence;
    },
    closed: (clean, why) => current() && closed(clean, failure || why),
  };
  try {
    const opened = await open(name, heard);
    if (current()) connection = opened;
    else opened.close();
  } catch (error) {
    if (current()) become("disconnected", error.message);
  }
}

function closed(clean, why) {
  connection = null;
  for (const [, tell] of waiting) tell(false);
  waiting.clear();
  for (const button of document.querySelectorAll("#messages button")) button.disabled = true;
  if (clean || state === "leaving") return become("disconnected", "not connected");
  // As patient as it takes, and no more: half a second, doubled, ten at most, and not all pages at once.
  again = Math.min((again ?? 0.25) * 2, 10);
  const seconds = again * (0.5 + Math.random() / 2);
  become("waiting", `${why}; next attempt in ${seconds.toFixed(1)} s`);
  const mine = attempt;
  setTimeout(() => mine === attempt && state === "waiting" && connect(), seconds * 1000);
}

$("connect-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state === "disconnected") connect();
});

$("disconnect").addEventListener("click", () => {
  again = null;
  if (connection === null) {
    attempt += 1;
    become("disconnected", "not connected");
  } else {
    become("leaving", "saying good-bye ...");
    connection.close();
  }
  $("connect").focus();
});

// Subscriptions

function sendSubscribe(id, { destination, ack }) {
  connection.send("SUBSCRIBE", { id, destination, ack });
}

function subscribe(destination, ack) {
  numbers += 1;
  const id = `s${numbers}`;
  const item = document.createElement("li");
  item.dataset.destination = destination;
  const name = document.createElement("code");
  name.textContent = destination;
  const how = document.createElement("small");
  how.textContent = ack === "auto" ? "" : ack;
  const what = document.createElement("span");
  what.append(name, how);
  const end = document.createElement("button");
  end.type = "button";
  end.textContent = "End";
  end.setAttribute("aria-label", `End the subscription to ${destination}`);
  end.addEventListener("click", () => {
    subscriptions.delete(id);
    item.remove();
    if (state === "connected") connection.send("UNSUBSCRIBE", { id });
    $("destination").focus();
  });
  item.append(what, end);
  $("subscriptions").append(item);
  subscriptions.set(id, { destination, ack });
  if (state === "connected") sendSubscribe(id, subscriptions.get(id));
}

$("subscribe-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state === "connected") subscribe($("destination").value, $("ack").value);
});

// Sending

$("send-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (state !== "connected") return;
  const headers = { destination: $("send-destination").value, "content-type": "text/plain" };
  if ($("receipt").checked) {
    receipts += 1;
    headers.receipt = `r${receipts}`;
    const start = performance.now();
    waiting.set(headers.receipt, (confirmed) => {
      const took = (performance.now() - start).toFixed(1);
      $("sent").textContent = confirmed ? `confirmed after ${took} ms` : "the connection ended before it was confirmed";
    });
  }
  $("sent").textContent = headers.receipt ? "waiting for the receipt ..." : "sent";
  connection.send("SEND", headers, $("body").value);
  $("body").value = "";
  $("body").focus();
});

function settled(id) {
  waiting.get(id)?.(true);
  waiting.delete(id);
}

// Receiving

function show(message) {
  received += 1;
  chart.count();
  $("received").textContent = `${received.toLocaleString("en")} received`;
  const subscription = subscriptions.get(message.headers.subscription);
  const list = $("messages");
  list.prepend(item(message, subscription !== undefined && subscription.ack !== "auto"));
  while (list.childElementCount > MOST_MESSAGES) list.lastElementChild.remove();
  $("no-messages").hidden = true;
}

function item(message, wantsAnswer) {
  const element = document.createElement("li");
  element.dataset.destination = message.headers.destination;
  const where = document.createElement("code");
  where.textContent = message.headers.destination;
  const body = document.createElement("span");
  body.className = "body";
  body.textContent = message.body.length > 400 ? `${message.body.slice(0, 400)} ...` : message.body;
  element.append(where, body);
  if (message.headers.redelivered === "true") {
    const mark = document.createElement("span");
    mark.className = "mark";
    mark.textContent = "redelivered";
    element.append(mark);
  }
  if (wantsAnswer) element.append(...answers(message, element));
  return element;
}

function answers(message, element) {
  const owner = connection;
  return [false, true].map((negative) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = negative ? "nack" : "ack";
    button.textContent = negative ? "NACK" : "ACK";
    button.setAttribute("aria-label", `${button.textContent} ${message.body.slice(0, 40)}`);
    button.addEventListener("click", () => {
      if (connection !== owner) return;
      owner.acknowledge(message, negative);
      const next = element.nextElementSibling?.querySelector("button.ack:enabled");
      element.dataset.settled = negative ? "nack" : "ack";
      for (const other of element.querySelectorAll("button")) other.remove();
      const mark = document.createElement("span");
      mark.className = "mark";
      mark.textContent = negative ? "refused" : "acknowledged";
      element.append(mark);
      (next ?? $("messages")).focus({ preventScroll: true });
    });
    return button;
  });
}

/** Says which libraries this server has. They may come later: npm takes its time. */
async function look() {
  const missing = await missingLibraries();
  document.body.dataset.libraries = missing.length === 0 ? "all" : "missing";
  $("libraries").hidden = missing.length === 0;
  $("libraries").textContent =
    `This server does not have ${missing.join(" and ")}, so their transports cannot be used. npm brings them, into ` +
    "a folder that stomp-sansio demo --clients FOLDER names; ./dev demo does that by itself. This page's own client, " +
    "over WebSocket, needs nothing.";
}

// The beginning: what the address asks for, and what this server has.

for (const [name, { title }] of Object.entries(WAYS)) $("transport").add(new Option(title, name));
if (wishes.get("transport") in WAYS) $("transport").value = wishes.get("transport");
for (const destination of wishes.getAll("subscribe")) subscribe(destination, wishes.get("ack") ?? "auto");
if (!wishes.has("subscribe")) subscribe("/topic/demo.chat", "auto");
$("clear").addEventListener("click", () => log.clear());
become("disconnected", "not connected");
$("transport").addEventListener("change", look);
look();
if (wishes.has("connect")) connect();
