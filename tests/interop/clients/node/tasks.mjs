// The tasks for stompjs, in node and in a browser alike: whoever imports this brings the library and a socket.
// Each is a function that returns when what it says is so, and throws when it is not.

const TEXT = "größer als 日本語 🎉";
const HEADERS = { "x-motto": TEXT, "x-größe": "a:b\nd\\ e" };
const NOWHERE = "/nowhere/a";
const COMPLAINT = "unknown destination";
const BEAT = 1000;
const MISSED = 3;
const SILENCE = 4000;
const PATIENCE = 60000;
const LAST = "the last one";

function expect(held, otherwise) {
  if (!held) throw new Error(otherwise);
}

// What arrives in turn, to be waited for.
class Arrivals {
  #arrived = [];
  #waiting = [];

  put(value) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(value);
    else this.#arrived.push(value);
  }

  next(what) {
    if (this.#arrived.length) return Promise.resolve(this.#arrived.shift());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${what} came in ${PATIENCE} ms`)), PATIENCE);
      this.#waiting.push((value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });
  }
}

// `stomp` is the library, `socket` makes a WebSocket or something like it for given subprotocols.
export function tasksOf({ stomp, socket, carriesBinary }) {
  async function connect({ versions, beat = 0 } = {}) {
    const connected = new Arrivals();
    const receipts = new Arrivals();
    const errors = new Arrivals();
    const state = { closed: false, receipts, errors };
    const options = {
      connectHeaders: { login: "guest", passcode: "guest", host: "/" },
      reconnectDelay: 0,
      heartbeatIncoming: beat,
      heartbeatOutgoing: beat,
      heartbeatToleranceMultiplier: MISSED,
      onConnect: (frame) => connected.put(frame),
      onStompError: (frame) => (connected.put(null), errors.put(frame)),
      onWebSocketClose: () => (state.closed = true),
      onDisconnect: (frame) => receipts.put(frame.headers["receipt-id"]),
      onUnhandledReceipt: (frame) => receipts.put(frame.headers["receipt-id"]),
    };
    if (versions) options.stompVersions = new stomp.Versions(versions);
    const client = new stomp.Client(options);
    client.webSocketFactory = () => socket(client.stompVersions.protocolVersions());
    client.activate();
    const frame = await connected.next("CONNECTED");
    expect(frame, "CONNECT was refused");
    return Object.assign(state, { client, version: client.connectedVersion });
  }

  async function subscribe(connection, destination, ack = "auto") {
    const messages = new Arrivals();
    const subscription = connection.client.subscribe(destination, (message) => messages.put(message), {
      ack,
      receipt: "subscribed",
    });
    const receipt = await connection.receipts.next("receipt of SUBSCRIBE");
    expect(receipt === "subscribed", `another receipt came: ${receipt}`);
    return Object.assign(messages, { subscription });
  }

  async function settled(connection, act) {
    act({ receipt: "settled" });
    const receipt = await connection.receipts.next("receipt");
    expect(receipt === "settled", `another receipt came: ${receipt}`);
  }

  async function leftOver(destination) {
    const connection = await connect();
    connection.client.publish({ destination, body: LAST });
    const messages = await subscribe(connection, destination, "client");
    const found = [];
    for (;;) {
      const message = await messages.next("message");
      if (message.body === LAST) {
        await settled(connection, (headers) => message.ack(headers));
        await connection.client.deactivate();
        return found;
      }
      found.push(message);
    }
  }

  async function inVersion(version) {
    const where = `/queue/connect-${version}`;
    const connection = await connect({ versions: [version] });
    expect(connection.version === version, `${connection.version} is spoken`);
    const messages = await subscribe(connection, where, "client");
    connection.client.publish({ destination: where, body: "in one version" });
    const message = await messages.next("message");
    expect(message.body === "in one version", `${message.body} came`);
    await settled(connection, (headers) => message.ack(headers));
    await connection.client.deactivate();
    expect((await leftOver(where)).length === 0, "what was acknowledged came again");
  }

  async function three(where, mode) {
    const connection = await connect();
    for (const body of ["a", "b", "c"]) connection.client.publish({ destination: where, body });
    const messages = await subscribe(connection, where, mode);
    const found = [];
    while (found.length < 3) found.push(await messages.next("message"));
    await settled(connection, (headers) => found[1].ack(headers));
    await connection.client.deactivate();
    return leftOver(where);
  }

  return {
    "connect-1.0": () => inVersion("1.0"),
    "connect-1.1": () => inVersion("1.1"),
    "connect-1.2": () => inVersion("1.2"),

    async topic() {
      const [first, second, sender] = [await connect(), await connect(), await connect()];
      const one = await subscribe(first, "/topic/tea.*");
      const two = await subscribe(second, "/topic/tea.green");
      sender.client.publish({ destination: "/topic/tea.green", body: "leaves" });
      for (const messages of [one, two]) {
        const { body } = await messages.next("message");
        expect(body === "leaves", `${body} came`);
      }
      for (const each of [first, second, sender]) await each.client.deactivate();
    },

    async queue() {
      const connection = await connect();
      for (const body of ["0", "1", "2"]) connection.client.publish({ destination: "/queue/a", body });
      const messages = await subscribe(connection, "/queue/a");
      for (const body of ["0", "1", "2"]) {
        expect((await messages.next("message")).body === body, "the order is another one");
      }
      await connection.client.deactivate();
    },

    async text() {
      const connection = await connect();
      const messages = await subscribe(connection, "/queue/text");
      connection.client.publish({
        destination: "/queue/text",
        body: TEXT,
        headers: { "content-type": "text/plain" },
      });
      const message = await messages.next("message");
      expect(message.body === TEXT && message.headers["content-type"] === "text/plain", `${message.body} came`);
      await connection.client.deactivate();
    },

    async "unicode-headers"() {
      const connection = await connect();
      const messages = await subscribe(connection, "/queue/headers");
      connection.client.publish({ destination: "/queue/headers", body: "x", headers: { ...HEADERS } });
      const { headers } = await messages.next("message");
      for (const [name, value] of Object.entries(HEADERS)) {
        expect(headers[name] === value, `${name} is ${JSON.stringify(headers[name])}`);
      }
      await connection.client.deactivate();
    },

    binary: carriesBinary
      ? async () => {
          const connection = await connect();
          const messages = await subscribe(connection, "/queue/binary");
          const octets = Uint8Array.from({ length: 768 }, (_, number) => number % 256);
          connection.client.publish({ destination: "/queue/binary", binaryBody: octets });
          const { binaryBody } = await messages.next("message");
          expect(String(binaryBody) === String(octets), "other octets came");
          await connection.client.deactivate();
        }
      : "SockJS carries text alone",

    async receipts() {
      const connection = await connect();
      for (let number = 0; number < 5; number++) {
        connection.client.publish({
          destination: "/queue/receipts",
          body: "x",
          headers: { receipt: `r${number}` },
        });
      }
      for (let number = 0; number < 5; number++) {
        const receipt = await connection.receipts.next("receipt");
        expect(receipt === `r${number}`, `${receipt} came`);
      }
      await connection.client.deactivate();
    },

    async "ack-auto"() {
      const connection = await connect();
      const messages = await subscribe(connection, "/queue/auto");
      connection.client.publish({ destination: "/queue/auto", body: "x" });
      await messages.next("message");
      await connection.client.deactivate();
      expect((await leftOver("/queue/auto")).length === 0, "it came again");
    },

    async "ack-client"() {
      const left = (await three("/queue/client", "client")).map((message) => message.body).join();
      expect(left === "c", `${left} came again`);
    },

    async "ack-client-individual"() {
      const left = await three("/queue/individual", "client-individual");
      const bodies = left.map((message) => message.body).join();
      expect(bodies === "a,c", `${bodies} came again`);
      expect(
        left.every((message) => message.headers.redelivered === "true"),
        "it is not said to be redelivered",
      );
    },

    async nack() {
      const connection = await connect();
      const messages = await subscribe(connection, "/queue/nack", "client-individual");
      connection.client.publish({ destination: "/queue/nack", body: "x" });
      (await messages.next("message")).nack();
      const again = await messages.next("message");
      expect(again.headers.redelivered === "true", "it is not said to be redelivered");
      await settled(connection, (headers) => again.ack(headers));
      await connection.client.deactivate();
    },

    async commit() {
      const where = "/queue/commit";
      const connection = await connect();
      const messages = await subscribe(connection, where, "client-individual");
      const transaction = connection.client.begin();
      const headers = { transaction: transaction.id };
      connection.client.publish({ destination: where, body: "inside", headers });
      connection.client.publish({ destination: where, body: "outside" });
      const first = await messages.next("message");
      expect(first.body === "outside", "it came before COMMIT");
      first.ack({ ...headers });
      transaction.commit();
      const second = await messages.next("message");
      expect(second.body === "inside", `${second.body} came`);
      await settled(connection, (more) => second.ack(more));
      await connection.client.deactivate();
      expect((await leftOver(where)).length === 0, "an ACK in a transaction did not count");
    },

    async abort() {
      const connection = await connect();
      const transaction = connection.client.begin();
      const headers = { transaction: transaction.id };
      connection.client.publish({ destination: "/queue/abort", body: "inside", headers });
      transaction.abort();
      await connection.client.deactivate();
      expect((await leftOver("/queue/abort")).length === 0, "it came though it was rolled back");
    },

    async "heart-beats"() {
      const connection = await connect({ beat: BEAT });
      const messages = await subscribe(connection, "/queue/beats");
      await new Promise((resolve) => setTimeout(resolve, SILENCE));
      expect(!connection.closed, "the connection was closed in silence");
      connection.client.publish({ destination: "/queue/beats", body: "alive" });
      expect((await messages.next("message")).body === "alive", "something else came");
      await connection.client.deactivate();
    },

    async disconnect() {
      const connection = await connect();
      connection.client.disconnectHeaders = { receipt: "bye" };
      await connection.client.deactivate();
      const receipt = await connection.receipts.next("receipt of DISCONNECT");
      expect(receipt === "bye", `${receipt} came`);
    },

    async error() {
      const connection = await connect();
      connection.client.publish({ destination: NOWHERE, body: "x", headers: { receipt: "r1" } });
      const { headers } = await connection.errors.next("ERROR");
      expect(headers.message === COMPLAINT && headers["receipt-id"] === "r1", `${headers.message} was said`);
      await connection.client.deactivate({ force: true });
    },
  };
}

export async function playAll(tasks, leftOut, say) {
  for (const [task, play] of Object.entries(tasks)) {
    if (leftOut.includes(task)) continue;
    if (typeof play === "string") {
      say({ task, outcome: "cannot", why: play });
      continue;
    }
    try {
      await play();
      say({ task, outcome: "works", why: "" });
    } catch (error) {
      say({ task, outcome: "failed", why: String(error).slice(0, 300) });
    }
  }
}
