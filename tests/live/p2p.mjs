// A js-libp2p node for tests, and what it knows of its connections: the channel
// binding, and the bytes below the muxer.  It dials the daemon's link port or
// is dialled by it, and speaks /nws/2.0.0 by nwslink.mjs.
import net from 'node:net';
import { TLSSocket } from 'node:tls';
import { createLibp2p } from 'libp2p';
import { generateKeyPair, generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { identify } from '@libp2p/identify';
import { noise, pureJsCrypto } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { tls } from '@libp2p/tls';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { Queue, hooks, waitUntil, within } from './lib.mjs';
import { PROTOCOL, Session } from './nwslink.mjs';

// js-libp2p calls this; Node has it from version 22 on.
Promise.withResolvers ??= function withResolvers() {
  const all = {};
  all.promise = new this((resolve, reject) => {
    Object.assign(all, { resolve, reject });
  });
  return all;
};

/* -------------------------------------------------------- channel binding */

// js-libp2p does not tell anybody the channel binding of a connection, but it
// lets everybody bring connection encrypters.  Ours are its own ones, looked at
// from outside: they are given the connection to secure and return the secured
// one, and `timeline`, which is the same object in the connection that they are
// given and in the one that the node has in the end, leads from one to the
// other.
const secured = new WeakMap();

function remembering(protocol, secure) {
  const remember = (how) => async (connection, options) => {
    const { result, binding } = await secure(how, connection, options);
    secured.set(connection.timeline, { binding, stream: result.connection });
    return result;
  };
  return { protocol, [Symbol.toStringTag]: `binding of ${protocol}`,
    secureInbound: remember('secureInbound'),
    secureOutbound: remember('secureOutbound') };
}

// Noise: h, the handshake hash, is what MixHash() computed last when Split()
// runs, and Split() alone calls HKDF with a key of no octets (Noise, 5.2).  The
// primitives that a noise() works with are an option of it, so each handshake
// gets a noise() of its own whose primitives remember.
function bindingNoise(components) {
  return remembering('/noise', async (how, connection, options) => {
    let last, binding;
    const crypto = { ...pureJsCrypto,
      hashSHA256(data) {
        last = pureJsCrypto.hashSHA256(data);
        return last;
      },
      getHKDF(key, ikm) {
        if (ikm.byteLength === 0)
          binding = Buffer.from(last);
        return pureJsCrypto.getHKDF(key, ikm);
      } };
    const result = await noise({ crypto })(components)[how](connection,
      options);
    return { result, binding };
  });
}

// TLS: the secured connection that tls() returns has node's TLSSocket in it,
// which exports keying material (RFC 9266: 32 octets, an empty context).
function bindingTls(components) {
  const inner = tls()(components);
  return remembering(inner.protocol, async (how, connection, options) => {
    const result = await inner[how](connection, options);
    const socket = Object.values(result.connection)
      .find((x) => x instanceof TLSSocket);
    if (socket === undefined)
      throw new Error('@libp2p/tls has no TLSSocket any more');
    return { result, binding: socket.exportKeyingMaterial(32,
      'EXPORTER-Channel-Binding', Buffer.alloc(0)) };
  });
}

const encrypters = { noise: bindingNoise, tls: bindingTls };

/** The 32 octets that both ends of a connection have and no other. */
export const bindingOf = (connection) => secured.get(connection.timeline)
  .binding;

/** What is under the muxer: .send(octets) puts them between its frames. */
export const insideOf = (connection) => secured.get(connection.timeline).stream;

/* ------------------------------------------------------------------- nodes */

const octets = (data) => Buffer.from(data.subarray());

/** A libp2p stream as Session wants it; .closed is 'end' or 'reset'. */
export function wireOf(stream, connection) {
  return {
    write(b) {
      if (stream.writeStatus === 'writable')
        stream.send(b);
    },
    onData: (fn) => stream.addEventListener('message',
      (e) => fn(octets(e.data))),
    onEnd(fn) {
      stream.addEventListener('remoteCloseWrite', () => fn('end of stream'));
      stream.addEventListener('close', (e) => fn(e.error?.message ?? 'closed'));
      connection.addEventListener('close', () => fn('connection closed'));
    },
    end() {
      connection.close().catch((e) => connection.abort(e));
    },
  };
}

const nodes = new Set();
hooks.push(() => Promise.all([...nodes].map((n) => n.stop())));

export class Node {
  /** Sessions on connections that the other side dialled. */
  inbound = new Queue();
  connections = new Queue();
  #identities = [];

  /**
   * security: which of 'tls' and 'noise', the first is preferred; listen: also
   * be dialled; seed: 32 octets of the key; session: options of inbound
   * sessions; speak, identified: whether it speaks /nws/2.0.0, and identify;
   * keep: for more than one test.
   */
  static async start({ security = ['tls', 'noise'], listen = false, seed,
    session = {}, speak = true, identified = true, keep = false } = {}) {
    const n = new Node();
    const privateKey = seed ? await generateKeyPairFromSeed('Ed25519', seed)
      : await generateKeyPair('Ed25519');
    n.libp2p = await createLibp2p({
      privateKey,
      addresses: { listen: listen ? ['/ip4/127.0.0.1/tcp/0'] : [] },
      transports: [tcp()],
      connectionEncrypters: security.map((s) => encrypters[s]),
      streamMuxers: [yamux()],
      connectionGater: { denyDialMultiaddr: () => false },
      connectionMonitor: { enabled: false },
      connectionManager: { inboundConnectionThreshold: 1000,
        maxIncomingPendingConnections: 1000, reconnectRetries: 0 },
      services: { ping: ping(), ...identified
        ? { identify: identify() } : {} },
    });
    if (!keep)
      nodes.add(n);
    n.libp2p.addEventListener('peer:identify',
      (e) => n.#identities.push(e.detail));
    n.libp2p.addEventListener('connection:open',
      (e) => n.connections.push(e.detail));
    if (speak)
      await n.libp2p.handle(PROTOCOL, (stream, connection) =>
        n.inbound.push(n.#session(stream, connection, session)));
    return n;
  }

  /** The peer id as octets and as text. */
  get id() {
    return Buffer.from(this.libp2p.peerId.toMultihash().bytes);
  }

  get text() {
    return this.libp2p.peerId.toString();
  }

  get port() {
    return Number(/tcp\/(\d+)/.exec(this.libp2p.getMultiaddrs()[0])[1]);
  }

  #session(stream, connection, options = {}) {
    const s = new Session(wireOf(stream, connection), {
      lead: connection.direction === 'outbound', self: this.id,
      peer: Buffer.from(connection.remotePeer.toMultihash().bytes),
      binding: bindingOf(connection), ...options });
    Object.assign(s, { stream, connection });
    options.prepare?.(s);
    return options.hello === false ? s : s.start();
  }

  /** What identify says of the other end; the node asks by itself. */
  identified(connection) {
    return waitUntil(() => this.#identities.find((i) => i.connection
      === connection), 'identify');
  }

  dial(port, host = '127.0.0.1') {
    const kind = net.isIPv6(host) ? 'ip6' : 'ip4';
    return this.libp2p.dial(multiaddr(`/${kind}/${host}/tcp/${port}`),
      { signal: AbortSignal.timeout(15000), force: true });
  }

  /** Dials a link port and speaks /nws/2.0.0 on the connection. */
  async link(port, options) {
    return this.speak(await this.dial(port), options);
  }

  async speak(connection, options) {
    const stream = await connection.newStream(PROTOCOL,
      { signal: AbortSignal.timeout(10000) });
    return this.#session(stream, connection, options);
  }

  /** The next session on a connection that was dialled by the other side. */
  accepted(ms = 20000) {
    return this.inbound.next('a link from the daemon', ms);
  }

  async stop() {
    nodes.delete(this);
    await within(this.libp2p.stop(), 'the end of a libp2p node');
  }
}

/** Any stream: what comes, until its end. */
export class StreamEnd {
  buffer = Buffer.alloc(0);
  finished = false;

  constructor(stream) {
    this.stream = stream;
    stream.addEventListener('message', (e) => {
      this.buffer = Buffer.concat([this.buffer, octets(e.data)]);
    });
    stream.addEventListener('remoteCloseWrite', () => {
      this.finished = true;
    });
  }

  /** Closed by the other side, or reset. */
  get ended() {
    return this.finished || this.stream.status !== 'open'
      || this.stream.remoteWriteStatus !== 'writable';
  }
}
