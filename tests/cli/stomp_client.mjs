// Reads frames with the page's own client: JSON in (a list of inputs, each a list of Base64 chunks), JSON out.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { FrameReader, encode } = await import(pathToFileURL(process.argv[2]).href);
const { inputs, frames } = JSON.parse(readFileSync(0, "utf8"));

const read = inputs.map((chunks) => {
  const reader = new FrameReader();
  const found = [];
  try {
    for (const chunk of chunks) found.push(...reader.read(Buffer.from(chunk, "base64")));
  } catch (error) {
    return { found, error: String(error) };
  }
  return { found };
});
const written = frames.map(([command, headers, body]) =>
  Buffer.from(encode(command, headers, body)).toString("base64"),
);
process.stdout.write(JSON.stringify({ read, written }));
