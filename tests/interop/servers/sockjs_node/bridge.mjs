// SockJS outside, TCP inside: what comes in one way goes out the other, octet for octet of UTF-8.
// It must not know STOMP.  node bridge.mjs PORT BROKER_PORT
import http from 'node:http';
import net from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import sockjs from 'sockjs';

const HOST = '127.0.0.1';
const [port, broker] = process.argv.slice(2).map(Number);

function bridge(session) {
  const stream = net.connect(broker, HOST);
  const decoder = new StringDecoder('utf8');
  stream.setNoDelay(true);
  session.on('data', (message) => stream.write(message, 'utf8')); // Node queues until it is connected
  session.on('close', () => stream.destroy());
  stream.on('data', (octets) => {
    const text = decoder.write(octets);
    if (text) session.write(text);
  });
  stream.on('end', () => session.close(1000, 'the broker closed the connection'));
  stream.on('error', () => session.close(1011, 'the broker cannot be reached'));
}

const endpoints = {
  '/stomp': {},
  '/no-websocket': { websocket: false }, // /info says so, and the transport answers 404
  '/recycling': { websocket: false, response_limit: 1024 }, // a streaming response ends after each larger frame
};

const server = http.createServer();
for (const [prefix, options] of Object.entries(endpoints)) {
  const endpoint = sockjs.createServer({ log: () => {}, ...options });
  endpoint.on('connection', (session) => session && bridge(session));
  endpoint.installHandlers(server, { prefix });
}
server.listen(port, HOST);
