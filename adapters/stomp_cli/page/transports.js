// The ways to the server: this page's own client, and @stomp/stompjs on WebSocket and on each transport of SockJS.
//
// What lives here makes them all look alike, and tells what passes on the wire. It must not know the page.

import { Connection } from "./stomp.js";

const STOMPJS = { script: "/clients/stomp.umd.min.js", global: "StompJs", name: "@stomp/stompjs" };
const SOCKJS = { script: "/clients/sockjs.min.js", global: "SockJS", name: "sockjs-client" };
const WAIT = 10_000;

const webSocket = () => new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/stomp/websocket`);
const sockJS = (transport) => () => new window.SockJS("/stomp", null, { transports: [transport], timeout: WAIT });

/** Every way: what people call it, the libraries that it needs, and the socket under it. */
export const WAYS = {
  websocket: { title: "WebSocket (this page's own client)", needs: [], socket: webSocket },
  "stompjs-websocket": { title: "WebSocket (stompjs)", needs: [STOMPJS], socket: webSocket },
  "stompjs-sockjs-websocket": {
    title: "SockJS websocket (stompjs)",
    needs: [STOMPJS, SOCKJS],
    socket: sockJS("websocket"),
  },
  "stompjs-xhr-streaming": {
    title: "SockJS xhr-streaming (stompjs)",
    needs: [STOMPJS, SOCKJS],
    socket: sockJS("xhr-streaming"),
  },
  "stompjs-xhr-polling": {
    title: "SockJS xhr-polling (stompjs)",
    needs: [STOMPJS, SOCKJS],
    socket: sockJS("xhr-polling"),
  },
};

/** Tells which libraries this server has: names of those that are missing. */
export async function missingLibraries() {
  const found = await Promise.all(
    [STOMPJS, SOCKJS].map(async ({ script, name }) => {
      const answer = await fetch(script, { method: "HEAD" }).catch(() => ({ ok: false }));
      return answer.ok ? null : name;
    }),
  );
  return found.filter(Boolean);
}

async function load({ script, global, name }) {
  if (window[global]) return;
  await new Promise((loaded, failed) => {
    const element = document.createElement("script");
    element.src = script;
    element.onload = loaded;
    element.onerror = () => {
      element.remove();
      failed(new Error(`${name} is not on this server: it takes npm to bring it there`));
    };
    document.head.append(element);
  });
}

/**
 * Opens a connection. `heard` is told opened(headers), message(frame), receipt(id), failed(sentence),
 * closed(clean, why), and wire(direction, octets or text) for whatever passes.
 * The connection has send(command, headers, body), acknowledge(message, negative) and close().
 */
export async function open(name, heard) {
  const way = WAYS[name];
  for (const library of way.needs) await load(library);
  return way.needs.length === 0 ? new Own(way.socket, heard) : new StompJS(way.socket, heard);
}

/** Tells `heard` what a socket sends and receives. SockJS and WebSocket have this much in common. */
function tapped(socket, heard) {
  const send = socket.send.bind(socket);
  socket.send = (data) => {
    heard.wire("out", data);
    send(data);
  };
  socket.addEventListener("message", ({ data }) => heard.wire("in", data));
  return socket;
}

function hear(heard, frame) {
  if (frame.command === "MESSAGE") heard.message(frame);
  else if (frame.command === "RECEIPT") heard.receipt(frame.headers["receipt-id"]);
  else if (frame.command === "ERROR") heard.failed([frame.headers.message, frame.body].filter(Boolean).join(": "));
}

class Own {
  #connection;

  constructor(socket, heard) {
    this.#connection = new Connection(tapped(socket(), heard), {
      opened: ({ headers }) => heard.opened(headers),
      frame: (frame) => hear(heard, frame),
      closed: heard.closed,
    });
  }

  send(command, headers, body) {
    this.#connection.send(command, headers, body);
  }

  acknowledge(message, negative) {
    this.send(negative ? "NACK" : "ACK", { id: message.headers.ack });
  }

  close() {
    this.#connection.close();
  }
}

class StompJS {
  #client;
  #leaving = false;

  constructor(socket, heard) {
    let why = "";
    const { Client } = window.StompJs;
    this.#client = new Client({
      webSocketFactory: () => tapped(socket(), heard),
      reconnectDelay: 0,
      heartbeatIncoming: 10_000,
      heartbeatOutgoing: 10_000,
      onConnect: ({ headers }) => heard.opened(headers),
      onUnhandledMessage: heard.message,
      onUnhandledReceipt: (frame) => heard.receipt(frame.headers["receipt-id"]),
      onStompError: (frame) => {
        why = frame.headers.message ?? "the server sent an ERROR";
        hear(heard, { command: "ERROR", headers: frame.headers, body: frame.body });
      },
      onWebSocketClose: ({ code, reason }) =>
        heard.closed(this.#leaving && why === "", why || reason || `the socket closed with ${code}`),
    });
    this.#client.activate();
  }

  send(command, headers, body) {
    const { destination, ...others } = headers;
    if (command === "SUBSCRIBE") this.#client.subscribe(destination, this.#client.onUnhandledMessage, others);
    else if (command === "UNSUBSCRIBE") this.#client.unsubscribe(others.id);
    else this.#client.publish({ destination, headers: others, body });
  }

  acknowledge(message, negative) {
    if (negative) message.nack();
    else message.ack();
  }

  close() {
    this.#leaving = true;
    this.#client.deactivate();
  }
}
