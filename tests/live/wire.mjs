// WebSocket on the wire for tests: a frame builder that can build wrong frames,
// a raw connection, and a light member of a channel for tests with thousands.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import net from 'node:net';
import zlib from 'node:zlib';
import { Queue, hooks, waitUntil, within } from './lib.mjs';

export const CONT = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;

export const bytes = (x) => typeof x === 'string' ? Buffer.from(x)
  : Buffer.from(x ?? []);

/**
 * One frame.  rsv: 4 is RSV1.  size: 7, 16 or 64 forces a length encoding;
 * length: what the header claims; mask: false leaves it out.
 */
export function frame(op, payload = '', { fin = true, rsv = 0, mask = true,
  size, length } = {}) {
  const body = bytes(payload);
  const n = BigInt(length ?? body.length);
  const width = size ?? (n < 126n ? 7 : n < 65536n ? 16 : 64);
  const head = Buffer.alloc(2 + (width === 16 ? 2 : width === 64 ? 8 : 0)
    + (mask ? 4 : 0));
  head[0] = (fin ? 0x80 : 0) | rsv << 4 | op;
  head[1] = (mask ? 0x80 : 0) | (width === 7 ? Number(n)
    : width === 16 ? 126 : 127);
  if (width === 16)
    head.writeUInt16BE(Number(n), 2);
  if (width === 64)
    head.writeBigUInt64BE(n, 2);
  if (!mask)
    return Buffer.concat([head, body]);
  const key = crypto.randomBytes(4);
  key.copy(head, head.length - 4);
  for (let i = 0; i < body.length; i++)
    body[i] ^= key[i & 3];
  return Buffer.concat([head, body]);
}

export function closeFrame(code, reason = '', options) {
  const b = Buffer.alloc(2);
  b.writeUInt16BE(code);
  return frame(CLOSE, Buffer.concat([b, bytes(reason)]), options);
}

/** Payload of a compressed message: raw deflate without the 00 00 ff ff. */
export function deflate(data, options) {
  const out = zlib.deflateRawSync(bytes(data),
    { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options });
  assert.equal(out.subarray(-4).toString('hex'), '0000ffff');
  return out.subarray(0, -4);
}

export function inflate(data, windowBits = 15) {
  return zlib.inflateRawSync(Buffer.concat([data,
    Buffer.from('0000ffff', 'hex')]),
  { finishFlush: zlib.constants.Z_SYNC_FLUSH, windowBits });
}

/** The first frame in a buffer: { fin, rsv, op, masked, payload, used }. */
export function parseFrame(b) {
  if (b.length < 2)
    return null;
  let n = b[1] & 0x7f, at = 2;
  if (n === 126) {
    if (b.length < 4)
      return null;
    n = b.readUInt16BE(2);
    at = 4;
  } else if (n === 127) {
    if (b.length < 10)
      return null;
    n = Number(b.readBigUInt64BE(2));
    at = 10;
  }
  if (b.length < at + n)
    return null;
  return { fin: b[0] >> 7 === 1, rsv: b[0] >> 4 & 7, op: b[0] & 15,
    masked: b[1] >> 7 === 1, payload: b.subarray(at, at + n), used: at + n };
}

// Sockets that a failed test may leave open.
const open = new Set();
const remember = (socket) => {
  open.add(socket);
  socket.once('close', () => open.delete(socket));
  return socket;
};

/** Closes what is still open, so that one failure does not become many. */
function closeLeft() {
  for (const socket of open)
    socket.destroy();
}

hooks.push(closeLeft);

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
export const acceptOf = (key) => crypto.createHash('sha1').update(key + GUID)
  .digest('base64');

/** Where a daemon's listener is: { host, port } or { path }, and its Host. */
export function listeners(d) {
  return {
    '127.0.0.1': { host: '127.0.0.1', port: d.port, name: `127.0.0.1:${d.port}` },
    '::1': { host: '::1', port: d.port, name: `[::1]:${d.port}` },
    unix: { path: d.unix, name: 'localhost' },
  };
}

/** A raw connection to a listener. */
export class Raw {
  buffer = Buffer.alloc(0);
  eof = false;
  reset = false;
  #room = new ArrayBuffer(0);
  #wake = [];

  static async open(where) {
    const r = new Raw();
    r.socket = remember(net.connect({ ...where, allowHalfOpen: true }));
    r.socket.setNoDelay(true);
    r.socket.on('data', (b) => {
      r.#append(b);
      r.#signal();
    });
    r.socket.on('end', () => {
      r.eof = true;
      r.#signal();
    });
    r.socket.on('error', (e) => {
      r.eof = r.reset = true;
      r.error = e;
      r.#signal();
    });
    r.socket.on('close', () => {
      r.eof = true;
      r.#signal();
    });
    await within(new Promise((resolve, reject) => {
      r.socket.once('connect', resolve);
      r.socket.once('error', reject);
    }), 'a connection');
    return r;
  }

  /** Into room that doubles: what is long is not copied for each piece. */
  #append(b) {
    const old = this.buffer;
    const ours = old.buffer === this.#room;
    const start = ours ? old.byteOffset : 0;
    const n = old.length + b.length;
    if (ours && this.#room.byteLength - start >= n) {
      this.buffer = Buffer.from(this.#room, start, n);
    } else {
      this.#room = new ArrayBuffer(2 * n);
      this.buffer = Buffer.from(this.#room, 0, n);
      old.copy(this.buffer);
    }
    b.copy(this.buffer, old.length);
  }

  #signal() {
    for (const w of this.#wake.splice(0))
      w();
  }

  /** Waits until fn(this) is true, tested whenever something arrives. */
  async wait(fn, what, ms = 10000) {
    const test = async () => {
      while (!fn(this))
        await new Promise((resolve) => this.#wake.push(resolve));
    };
    await within(test(), what, ms).catch((e) => {
      throw new Error(`${e.message}; have ${this.buffer.length} bytes`
        + `${this.eof ? ', end of file' : ''}: `
        + this.buffer.subarray(0, 200).toString('latin1'), { cause: e });
    });
  }

  write(data) {
    if (!this.socket.destroyed)
      this.socket.write(data);
    return this;
  }

  /** One write(2) for each byte (for what is long, of the first 300 only). */
  dribble(data) {
    const b = bytes(data);
    const n = Math.min(b.length, 300);
    for (let i = 0; i < n; i++)
      this.write(b.subarray(i, i + 1));
    if (n < b.length)
      this.write(b.subarray(n));
    return this;
  }

  /** One HTTP response head: { status, headers, text }; undefined at the end. */
  async head(ms) {
    await this.wait((r) => r.buffer.includes('\r\n\r\n') || r.eof,
      'an HTTP response', ms);
    const end = this.buffer.indexOf('\r\n\r\n');
    if (end === -1)
      return undefined;
    const text = this.buffer.subarray(0, end).toString('latin1');
    this.buffer = this.buffer.subarray(end + 4);
    const [first, ...rest] = text.split('\r\n');
    const headers = {};
    for (const line of rest) {
      const [, name, value] = /^([^:]+):[ \t]*(.*)$/.exec(line);
      headers[name.toLowerCase()] = name.toLowerCase() in headers
        ? `${headers[name.toLowerCase()]}, ${value}` : value;
    }
    assert.match(first, /^HTTP\/1\.1 [1-5][0-9][0-9] ?/);
    return { status: Number(first.split(' ')[1]), headers, text };
  }

  /** The body of a response with Content-Length. */
  async body(head) {
    const n = Number(head.headers['content-length'] ?? 0);
    await this.wait((r) => r.buffer.length >= n || r.eof, 'a body');
    const b = this.buffer.subarray(0, n);
    this.buffer = this.buffer.subarray(n);
    return b.toString();
  }

  /** The next frame; undefined at the end. */
  async frame(ms) {
    let f = null;
    await this.wait((r) => (f = parseFrame(r.buffer)) !== null || r.eof,
      'a frame', ms);
    if (f === null)
      return undefined;
    this.buffer = this.buffer.subarray(f.used);
    assert.equal(f.masked, false, 'a server must not mask (RFC 6455, 5.1)');
    return f;
  }

  /** The next whole message, inflated: { op, data }; undefined at the end. */
  async message(windowBits) {
    const first = await this.frame();
    if (first === undefined || first.op >= 8)
      return first && { op: first.op, data: first.payload };
    const parts = [first.payload];
    for (let f = first; !f.fin;) {
      f = await this.frame();
      assert.equal(f.op, CONT);
      assert.equal(f.rsv, 0);
      parts.push(f.payload);
    }
    const data = Buffer.concat(parts);
    return { op: first.op, compressed: first.rsv === 4,
      data: first.rsv === 4 ? inflate(data, windowBits) : data };
  }

  /** The next frame must be a close with this code (one of these). */
  async closed(...codes) {
    const f = await this.frame();
    assert.notEqual(f, undefined, `end of file instead of close ${codes}`);
    assert.equal(f.op, CLOSE, `opcode ${f.op} instead of close ${codes}: `
      + f.payload.toString());
    const code = f.payload.length === 0 ? 1005 : f.payload.readUInt16BE(0);
    assert.ok(codes.length === 0 || codes.includes(code),
      `close ${code} ${f.payload.subarray(2)} instead of ${codes}`);
    return { code, reason: f.payload.subarray(2).toString() };
  }

  /** The server ends the connection without sending anything more. */
  async finished(ms) {
    await this.wait((r) => r.eof || r.buffer.length > 0, 'end of file', ms);
    assert.equal(this.buffer.length, 0,
      `unexpected: ${this.buffer.toString('latin1')}`);
  }

  destroy() {
    this.socket.destroy();
  }
}

/**
 * An upgrade request as text.  fields: an object whose undefined values leave
 * a field out and whose arrays repeat it.
 */
export function upgradeRequest(target, host, fields = {}, method = 'GET',
  version = 'HTTP/1.1') {
  const all = { Host: host, Upgrade: 'websocket', Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13', ...fields };
  return `${method} ${target} ${version}\r\n` + Object.entries(all)
    .flatMap(([k, v]) => v === undefined ? [] : [v].flat()
      .map((x) => `${k}: ${x}\r\n`)).join('') + '\r\n';
}

/** Opens a WebSocket on a raw connection; .response is the head. */
export async function openRaw(where, target, fields = {}) {
  const r = await Raw.open(where);
  r.write(upgradeRequest(target, where.name, fields));
  r.response = await r.head();
  assert.equal(r.response?.status, 101, r.response?.text ?? 'end of file');
  return r;
}

/** One request, one response, closed again: { status, headers, text, body }. */
export async function request(where, text) {
  const r = await Raw.open(where);
  try {
    r.write(text);
    const h = await r.head();
    assert.notEqual(h, undefined, 'end of file instead of a response');
    if (h.status !== 101 && !/^HEAD/.test(text))
      h.content = await r.body(h);
    return h;
  } finally {
    r.destroy();
  }
}

/**
 * A member of a channel, with as little as possible for each message, so that
 * thousands fit into one test.  Messages go to onmessage(text, member) or, if
 * there is none, into .messages.
 */
export class Member {
  messages = new Queue();
  count = 0;
  closeCode = null;
  ended = false;

  static async open(where, target, fields = {}, onmessage) {
    const m = new Member();
    m.onmessage = onmessage;
    m.socket = remember(net.connect(where));
    m.socket.setNoDelay(true);
    m.done = new Promise((resolve) => {
      m.socket.once('close', () => {
        m.ended = true;
        m.messages.end();
        resolve(m.closeCode);
      });
    });
    m.socket.on('error', (e) => {
      m.error = e;
    });
    let rest = Buffer.alloc(0), upgraded = false, opened;
    const answered = new Promise((resolve) => {
      opened = resolve;
    });
    m.socket.on('data', (b) => {
      rest = rest.length === 0 ? b : Buffer.concat([rest, b]);
      if (!upgraded) {
        const end = rest.indexOf('\r\n\r\n');
        if (end === -1)
          return;
        m.head = rest.subarray(0, end).toString();
        rest = rest.subarray(end + 4);
        upgraded = true;
        opened();
      }
      rest = m.#input(rest);
    });
    m.socket.write(upgradeRequest(target, where.name, fields));
    await within(Promise.race([answered, m.done]), `an upgrade of ${target}`,
      30000);
    if (!/^HTTP\/1\.1 101 /.test(m.head ?? '')) {
      m.socket.destroy();
      throw new Error(`no upgrade: ${m.head ?? m.error ?? 'end of file'}`);
    }
    return m;
  }

  #input(b) {
    let at = 0;
    for (;;) {
      const f = parseFrame(at === 0 ? b : b.subarray(at));
      if (f === null)
        return at === 0 ? b : b.subarray(at);
      at += f.used;
      if (f.op === CLOSE) {
        this.closeCode = f.payload.length ? f.payload.readUInt16BE(0) : 1005;
        this.closeReason = f.payload.subarray(2).toString();
        this.socket.end(frame(CLOSE, f.payload));
      } else if (f.op === PING) {
        this.socket.write(frame(PONG, f.payload));
      } else if (f.op === TEXT || f.op === BINARY) {
        this.count++;
        const data = f.op === TEXT ? f.payload.toString()
          : Buffer.from(f.payload);
        if (this.onmessage)
          this.onmessage(data, this);
        else
          this.messages.push(data);
      }
    }
  }

  send(x) {
    return this.socket.write(typeof x === 'string' ? frame(TEXT, x)
      : Buffer.isBuffer(x) ? frame(BINARY, x) : frame(TEXT, JSON.stringify(x)));
  }

  /** The next message as an object, or the first that fn accepts. */
  async json(fn = () => true, what = 'a message', ms = 10000) {
    for (;;) {
      const text = await this.messages.next(what, ms);
      assert.notEqual(text, undefined,
        `closed (${this.closeCode}) instead of ${what}`);
      const o = JSON.parse(text);
      if (fn(o))
        return o;
    }
  }

  action(name, ms) {
    return this.json((o) => o.action === name, `"${name}"`, ms);
  }

  /** One's own id. */
  async id() {
    this.send({ action: 'status' });
    return (await this.action('status')).source;
  }

  /** Waits for the answer to a status: all that was sent before has come. */
  async sync() {
    this.send({ action: 'status' });
    const before = [];
    await this.json((o) => o.action === 'status' || !before.push(o), 'status');
    return before;
  }

  /** A clean close; resolves once the connection is gone. */
  close(code = 1000) {
    if (!this.ended)
      this.socket.write(closeFrame(code));
    return within(this.done, 'the end of a member');
  }

  destroy() {
    this.socket.destroy();
  }
}

/** Opens n members, at most `together` at a time. */
export async function openMembers(n, open, together = 64) {
  const members = new Array(n);
  let next = 0;
  const work = async () => {
    while (next < n) {
      const i = next++;
      members[i] = await open(i);
    }
  };
  await Promise.all(Array.from({ length: Math.min(together, n) }, work));
  return members;
}

export const closeAll = (members) => Promise.all(members.filter(Boolean)
  .map((m) => m.close()));

export { waitUntil };
