// Raw TCP for tests of links: both ends of connections to a link port, ways
// that keep what goes along them, and the first messages of libp2p.
import net from 'node:net';
import { Queue, hooks, waitUntil, within } from './lib.mjs';

const open = new Set(), servers = new Set();

/** After each test, so that one that failed keeps nothing open. */
function closeLeft() {
  servers.forEach((s) => s.close());
  servers.clear();
  open.forEach((s) => s.destroy());
}

hooks.push(closeLeft);

/** Listens on a port of loopback, until the end of the test. */
export async function listening(onConnection) {
  const server = net.createServer(onConnection);
  servers.add(server);
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server.address().port;
}

/** A socket that is closed after the test. */
export function watched(socket) {
  open.add(socket);
  socket.on('error', () => {});
  socket.once('close', () => open.delete(socket));
  return socket;
}

/** A connection to a port, and what came on it. */
export class Peer {
  got = Buffer.alloc(0);
  ended = false;

  constructor(socket) {
    this.socket = watched(socket);
    socket.on('data', (b) => {
      this.got = Buffer.concat([this.got, b]);
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.ended = true;
    });
  }

  static async dial(port) {
    const socket = net.connect(port, '127.0.0.1');
    const p = new Peer(socket);
    await within(new Promise((resolve) => {
      socket.once('connect', resolve);
      socket.once('close', resolve);
    }), 'a connection');
    return p;
  }

  write(b) {
    if (!this.socket.destroyed)
      this.socket.write(b);
  }

  over(what, ms) {
    return waitUntil(() => this.ended, `the end of a connection with ${what}`,
      ms);
  }
}

/** Listens; connections are taken one by one. */
export async function listener() {
  const queue = new Queue();
  return { queue, port: await listening((s) => queue.push(new Peer(s))) };
}

/** Passes on what comes on one socket to the other, and shows it. */
export function join(left, right, onData) {
  watched(left);
  watched(right);
  left.on('data', (b) => {
    onData(b, 'toServer');
    right.write(b);
  });
  right.on('data', (b) => {
    onData(b, 'toClient');
    left.write(b);
  });
  left.on('close', () => right.destroy());
  right.on('close', () => left.destroy());
}

/** A way to a port that keeps what goes along it, of each connection. */
export async function recorder(target) {
  const tapes = [];
  const port = await listening((left) => {
    const tape = { toServer: [], toClient: [] };
    tapes.push(tape);
    join(left, net.connect(target(), '127.0.0.1'), (b, where) =>
      tape[where].push(b));
  });
  return { tapes, port };
}

export const message = (text) => Buffer.from([text.length + 1,
  ...Buffer.from(`${text}\n`)]);
export const HEADER = message('/multistream/1.0.0');
export const choose = (protocol) => Buffer.concat([HEADER, message(protocol)]);
export const sized = (b) => {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(b.length);
  return Buffer.concat([head, b]);
};
