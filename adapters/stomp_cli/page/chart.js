// Messages a second over the last minute, as bars.
//
// What lives here draws numbers. It must not know what is counted.

const SECONDS = 60;
const SVG = "http://www.w3.org/2000/svg";

export class Chart {
  #bars = [];
  #counts = new Array(SECONDS).fill(0);
  #now = 0;

  constructor(svg, text, peak, rate) {
    const { width, height } = svg.viewBox.baseVal;
    const step = width / SECONDS;
    for (let second = 0; second < SECONDS; second += 1) {
      const bar = document.createElementNS(SVG, "rect");
      bar.setAttribute("x", String(second * step + 1));
      bar.setAttribute("width", String(step - 2));
      svg.append(bar);
      this.#bars.push(bar);
    }
    this.draw = () => {
      const most = Math.max(1, ...this.#counts);
      this.#bars.forEach((bar, second) => {
        const tall = (this.#counts[second] / most) * (height - 2);
        bar.setAttribute("height", String(tall));
        bar.setAttribute("y", String(height - tall));
      });
      const last = this.#counts.at(-1);
      rate.textContent = `${last.toLocaleString("en")} messages/s`;
      peak.textContent = most > 1 ? `peak ${most.toLocaleString("en")}/s` : "";
      text.textContent = `Messages a second in the last minute: ${last} now, ${Math.max(...this.#counts)} at most`;
    };
    setInterval(() => this.#turn(), 1_000);
    this.draw();
  }

  /** Counts one thing. */
  count() {
    this.#now += 1;
  }

  #turn() {
    this.#counts.shift();
    this.#counts.push(this.#now);
    this.#now = 0;
    this.draw();
  }
}
