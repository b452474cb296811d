// What passes on the wire, one line each, newest first: as many as a screen is good for, drawn once a frame.
//
// What lives here makes octets readable. It must not know what they do.

const MOST_LINES = 300;
const LONGEST = 300;
const utf8 = new TextDecoder("utf-8");

export class Log {
  #list;
  #figure;
  #held;
  #beats;
  #new = [];
  #count = 0;
  #drawing = false;

  constructor(list, figure, held, beats) {
    this.#list = list;
    this.#figure = figure;
    this.#held = held;
    this.#beats = beats;
    held.addEventListener("change", () => this.#draw());
  }

  /** Takes note of what was sent ("out") or has come ("in"). Bound, to be handed on. */
  passed = (direction, data) => {
    const text = typeof data === "string" ? data : utf8.decode(data);
    const isBeat = /^[\r\n]*$/.test(text);
    if (!isBeat) this.#count += 1;
    if (isBeat && !this.#beats.checked) return;
    this.#new.push({ direction, isBeat, text, at: new Date() });
    // What nobody will see need not be kept.
    if (this.#new.length > MOST_LINES) this.#new.shift();
    if (!this.#drawing) {
      this.#drawing = true;
      requestAnimationFrame(() => this.#draw());
    }
  };

  /** Forgets what is shown. */
  clear() {
    this.#list.replaceChildren();
    this.#new = [];
  }

  #draw() {
    this.#drawing = false;
    this.#figure.textContent = `${this.#count.toLocaleString("en")} frames`;
    if (this.#held.checked) return;
    this.#list.prepend(...this.#new.reverse().map(line));
    this.#new = [];
    while (this.#list.childElementCount > MOST_LINES) this.#list.lastElementChild.remove();
  }
}

function line({ direction, isBeat, text, at }) {
  const element = document.createElement("li");
  element.className = isBeat ? `${direction} beat` : direction;
  const time = document.createElement("time");
  time.textContent = at.toTimeString().slice(0, 8);
  const arrow = document.createElement("span");
  arrow.className = "arrow";
  arrow.textContent = direction === "out" ? "→" : "←";
  arrow.setAttribute("aria-label", direction === "out" ? "sent" : "received");
  element.append(time, arrow);
  const [head, ...body] = text.split(/\r?\n\r?\n/);
  const [command, ...headers] = head.split(/\r?\n/);
  if (isBeat) {
    element.append(part("quiet", "heart-beat"));
  } else {
    element.append(part("command", command), part("headers", shortened(headers.join("  "))));
    const shown = shortened(body.join("\n\n").replace(/\0\s*$/, ""));
    if (shown) element.append(part("body", shown));
  }
  return element;
}

function part(kind, text) {
  const element = document.createElement("span");
  element.className = kind;
  element.textContent = text;
  return element;
}

function shortened(text) {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} ...` : text;
}
