// stompjs as a subject, in a process that stays: the engine's compiler warms up once. One line in, one line out.
//   parse FILE CHUNK   read a corpus                       -> ok
//   encode JSON        headers and body of a SEND          -> ok
//   run PASSES         do it; mean CPU seconds of a pass, and the frames (or octets) of the last one
// Its first argument is the folder that node_modules is in.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const library = pathToFileURL(`${process.argv[2]}/node_modules/@stomp/stompjs/esm6/`);
const { Parser } = await import(new URL("parser.js", library));
const { FrameImpl } = await import(new URL("frame-impl.js", library));

let pass = () => 0;

function parsing(file, size) {
  const data = readFileSync(file);
  const chunks = [];
  for (let start = 0; start < data.length; start += size) {
    chunks.push(Uint8Array.from(data.subarray(start, start + size)).buffer);
  }
  return () => {
    let found = 0;
    const onFrame = (raw) => { FrameImpl.fromRawFrame(raw, true); found += 1; };
    const parser = new Parser(onFrame, () => {});
    for (const chunk of chunks) parser.parseChunk(chunk);
    return found;
  };
}

function encoding({ headers, body }) {
  const binaryBody = new TextEncoder().encode(body);
  return () => FrameImpl.marshall({ command: "SEND", headers, binaryBody, escapeHeaderValues: true }).byteLength;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [operation, ...rest] = line.split(" ");
  if (operation === "parse") {
    pass = parsing(rest[0], Number(rest[1]));
    console.log("ok");
  } else if (operation === "encode") {
    pass = encoding(JSON.parse(rest.join(" ")));
    console.log("ok");
  } else {
    const passes = Number(rest[0]);
    let result = 0;
    const cpu = process.cpuUsage();
    const wall = process.hrtime.bigint();
    for (let number = 0; number < passes; number += 1) result = pass();
    const used = process.cpuUsage(cpu);
    const waited = Number(process.hrtime.bigint() - wall) / 1e9;
    // CPU time counts the engine's helper threads too: the smaller of the two is the kinder one
    console.log(Math.min(waited, (used.user + used.system) / 1e6) / passes, result);
  }
}
