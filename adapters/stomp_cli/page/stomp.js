// STOMP 1.2 over a WebSocket, as small as it can be and still be true to the specification.
//
// What lives here knows frames, heart-beats and one WebSocket. It must not know the page.

const ESCAPES = { "\\": "\\\\", "\r": "\\r", "\n": "\\n", ":": "\\c" };
const UNESCAPES = { "\\\\": "\\", "\\r": "\r", "\\n": "\n", "\\c": ":" };
const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { ignoreBOM: true });
const [NUL, LF, CR] = [0, 10, 13];

/** Returns the octets of a frame. CONNECT is never escaped, since the version is not agreed upon yet. */
export function encode(command, headers, body = "") {
  const octets = utf8.encode(body);
  const written = command === "CONNECT" ? String : (value) => String(value).replace(/[\\\r\n:]/g, (c) => ESCAPES[c]);
  const lines = Object.entries(headers).map(([name, value]) => `${written(name)}:${written(value)}`);
  if (octets.length > 0) lines.push(`content-length:${octets.length}`);
  const head = utf8.encode([command, ...lines, "", ""].join("\n"));
  const frame = new Uint8Array(head.length + octets.length + 1);
  frame.set(head);
  frame.set(octets, head.length);
  return frame;
}

/** Octets in any pieces become frames; a heart-beat becomes a frame without a command. */
export class FrameReader {
  #octets = new Uint8Array(0);

  /** Takes in octets; yields every frame that is whole now. Throws what is no STOMP. */
  *read(octets) {
    const all = new Uint8Array(this.#octets.length + octets.length);
    all.set(this.#octets);
    all.set(octets, this.#octets.length);
    this.#octets = all;
    for (;;) {
      const found = this.#next();
      if (found === null) return;
      this.#octets = this.#octets.subarray(found.end);
      yield found.frame;
    }
  }

  #next() {
    const octets = this.#octets;
    if (octets.length === 0) return null;
    if (octets[0] === LF) return { frame: { command: "", headers: {}, body: "" }, end: 1 };
    if (octets[0] === CR) return octets.length < 2 ? null : { frame: { command: "", headers: {}, body: "" }, end: 2 };
    const headEnd = endOfHead(octets);
    if (headEnd === null) return null;
    const [command, ...lines] = text.decode(octets.subarray(0, headEnd)).split(/\r?\n/).filter(Boolean);
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      if (colon < 1) throw new Error(`a header without a name: ${line}`);
      const [name, value] = [line.slice(0, colon), line.slice(colon + 1)].map(
        command === "CONNECTED" ? String : unescaped,
      );
      // Of repeated headers the first one counts (STOMP 1.2, "Repeated Header Entries").
      if (!Object.hasOwn(headers, name)) headers[name] = value;
    }
    const length = headers["content-length"];
    let bodyEnd;
    if (length !== undefined) {
      if (!/^[0-9]+$/.test(length)) throw new Error(`content-length is no number: ${length}`);
      bodyEnd = headEnd + Number(length);
      if (octets.length <= bodyEnd) return null;
      if (octets[bodyEnd] !== NUL) throw new Error("no NUL follows the body");
    } else {
      bodyEnd = octets.indexOf(NUL, headEnd);
      if (bodyEnd < 0) return null;
    }
    return { frame: { command, headers, body: text.decode(octets.subarray(headEnd, bodyEnd)) }, end: bodyEnd + 1 };
  }
}

function endOfHead(octets) {
  for (let at = octets.indexOf(LF); at >= 0; at = octets.indexOf(LF, at + 1)) {
    if (octets[at + 1] === LF) return at + 2;
    if (octets[at + 1] === CR && octets[at + 2] === LF) return at + 3;
  }
  return null;
}

function unescaped(value) {
  return value.replace(/\\.?/g, (escape) => {
    if (!(escape in UNESCAPES)) throw new Error(`an escape that STOMP does not have: ${escape}`);
    return UNESCAPES[escape];
  });
}

/**
 * One connection. `heard` is told what happens: opened(frame), frame(frame), failed(sentence), closed(clean, why).
 * closed comes last, once.
 */
export class Connection {
  #socket;
  #heard;
  #reader = new FrameReader();
  #timers = [];
  #lastHeard = 0;
  #lastSent = 0;
  #leaving = false;
  #over = false;
  #why = "";

  constructor(socket, heard, beat = 10_000) {
    this.#socket = socket;
    this.#heard = heard;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () =>
      this.send("CONNECT", { "accept-version": "1.2", host: location.hostname, "heart-beat": `${beat},${beat}` }),
    );
    socket.addEventListener("message", ({ data }) => this.#receive(data, beat));
    socket.addEventListener("close", ({ code, reason }) => this.#end(reason || `the WebSocket closed with ${code}`));
  }

  /** Sends a frame. */
  send(command, headers, body) {
    this.#lastSent = performance.now();
    // As text where it is text: tools for developers show it then.
    this.#socket.send(text.decode(encode(command, headers, body)));
  }

  /** Says good-bye; closed follows when the server has confirmed it, or after two seconds. */
  close() {
    this.#leaving = true;
    if (this.#socket.readyState !== WebSocket.OPEN) return this.#socket.close();
    this.send("DISCONNECT", { receipt: "good-bye" });
    this.#timers.push(setTimeout(() => this.#socket.close(1000), 2_000));
  }

  #receive(data, beat) {
    this.#lastHeard = performance.now();
    try {
      for (const frame of this.#reader.read(typeof data === "string" ? utf8.encode(data) : new Uint8Array(data))) {
        if (frame.command === "CONNECTED") this.#beat(frame.headers["heart-beat"] ?? "0,0", beat);
        if (frame.command === "RECEIPT" && frame.headers["receipt-id"] === "good-bye") this.#socket.close(1000);
        if (frame.command === "CONNECTED") this.#heard.opened(frame);
        else if (frame.command) this.#heard.frame(frame);
        if (frame.command === "ERROR") this.#why = frame.headers.message ?? "the server sent an ERROR";
      }
    } catch (error) {
      this.#why = `the server broke a rule: ${error.message}`;
      this.#socket.close(4000);
    }
  }

  /** STOMP 1.2, "Heart-beating": each direction is as slow as the slower of the two wants it; 0 is never. */
  #beat(theirs, beat) {
    const [canSend, wants] = theirs.split(",").map(Number);
    if (wants > 0) {
      const every = Math.max(beat, wants);
      this.#timers.push(
        setInterval(() => {
          if (performance.now() - this.#lastSent < every / 2) return;
          this.#lastSent = performance.now();
          this.#socket.send("\n");
        }, every / 4),
      );
    }
    if (canSend > 0) {
      const patience = 2 * Math.max(beat, canSend) + 1_000;
      this.#timers.push(
        setInterval(() => {
          if (performance.now() - this.#lastHeard < patience) return;
          this.#why = `nothing came for ${patience / 1000} s`;
          this.#socket.close(4000);
          // A socket whose other side is gone takes its time to close.
          this.#end(this.#why);
        }, 1_000),
      );
    }
  }

  #end(why) {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#heard.closed(this.#leaving && this.#why === "", this.#why || why);
  }
}
