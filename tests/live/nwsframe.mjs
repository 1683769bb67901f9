// The messages of nws-link(7): one table, and a reader and a writer that go
// by it.  The writer writes what it is told, wrong or right; the reader is as
// strict as the page.
import { ProtocolError } from './nwscrypto.mjs';

// A field is a number of octets; or 'ids' (u64 up to the end), 'payload' (the
// rest), { of, count }: as many items of `of` octets as the field `count` says.
const elements = { of: 32, count: 'n' };
const tags = { of: 16, count: 't' };
const layout = {
  HELLO: [1, { version: 2, flags: 4, maxData: 4 }],
  PING: [2, { token: 8 }],
  PONG: [3, { token: 8 }],
  CHANGED: [16, { generation: 4 }],
  OFFER: [17, { run: 4, scope: 1, flags: 1, page: 2, n: 1, elements }],
  ANSWER: [18, { run: 4, generation: 4, pages: 2, n: 1, t: 1, elements, tags }],
  TAGS: [19, { run: 4, t: 1, tags }],
  LATER: [20, { run: 4, milliseconds: 4 }],
  SHARE: [21, { run: 4, position: 1, share: 'bytes32' }],
  CONFIRM: [22, { run: 4, position: 1, tag: 'bytes64' }],
  OPENED: [23, { run: 4, position: 1, handle: 4 }],
  CLOSED: [24, { handle: 4 }],
  ROSTER: [32, { handle: 4, flags: 1, ids: 'ids' }],
  CONNECT: [33, { handle: 4, id: 8 }],
  DISCONNECT: [34, { handle: 4, id: 8 }],
  BROADCAST: [35, { handle: 4, source: 8, kind: 1, payload: 'payload' }],
  DIRECT: [36, { handle: 4, source: 8, target: 8, kind: 1,
    payload: 'payload' }],
  UNDELIVERED: [37, { handle: 4, source: 8, target: 8 }],
};

export const types = Object.fromEntries(Object.entries(layout)
  .map(([name, [number]]) => [name, number]));
const names = new Map(Object.entries(types).map(([k, v]) => [v, k]));

export const SILENT = 1n << 63n;

const sizes = new Set([8, 16, 32, 64]);
const id = (v) => v >= 1n && v < SILENT;
// What the page gives limits for.
const limits = {
  version: (v) => v >> 8 === 2,
  maxData: (v) => v >= 1024 && v <= 67108864,
  scope: (v) => v === 1 || v === 2,
  n: (v) => sizes.has(v),
  t: (v) => sizes.has(v),
  page: (v) => v <= 15,
  pages: (v) => v >= 1 && v <= 16,
  milliseconds: (v) => v >= 1 && v <= 60000,
  position: (v) => v <= 63,
  kind: (v) => v <= 1,
  source: id,
  target: id,
};
const flagBits = { HELLO: 0, OFFER: 1, ROSTER: 3 };

function number(size, value) {
  const b = Buffer.alloc(size);
  if (size === 8)
    b.writeBigUInt64BE(BigInt(value));
  else
    b.writeUIntBE(value, 0, size);
  return b;
}

/** A frame of any type with any body. */
export function rawFrame(type, body = Buffer.alloc(0), length = body.length) {
  return Buffer.concat([number(4, length), number(1, type), body]);
}

/** { type: 'OFFER', run: 1, ... } as octets; n and t follow from the lists. */
export function encode(message) {
  const [type, fields] = layout[message.type];
  const parts = [];
  for (const [name, how] of Object.entries(fields)) {
    let value = message[name];
    if (value === undefined && (name === 'n' || name === 't'))
      value = message[name === 'n' ? 'elements' : 'tags'].length;
    if (typeof how === 'number')
      parts.push(number(how, value));
    else if (how === 'ids')
      parts.push(...value.map((x) => number(8, x)));
    else if (typeof how === 'string')
      parts.push(Buffer.from(value));
    else
      parts.push(...value);
  }
  return rawFrame(type, Buffer.concat(parts));
}

class Cursor {
  constructor(body) {
    this.body = body;
    this.at = 0;
  }

  take(n) {
    if (n > this.body.length - this.at)
      throw new ProtocolError('a length that does not fit');
    this.at += n;
    return this.body.subarray(this.at - n, this.at);
  }

  number(size) {
    const b = this.take(size);
    return size === 8 ? b.readBigUInt64BE(0) : b.readUIntBE(0, size);
  }

  field(how, message) {
    if (typeof how === 'number')
      return this.number(how);
    if (how === 'bytes32' || how === 'bytes64')
      return this.take(Number(how.slice(5)));
    if (how === 'payload')
      return this.take(this.body.length - this.at);
    if (how === 'ids') {
      const all = [];
      while (this.at < this.body.length)
        all.push(this.number(8));
      return all;
    }
    return Array.from({ length: message[how.count] }, () => this.take(how.of));
  }
}

function decodeBody(type, body) {
  const message = { type };
  const cursor = new Cursor(body);
  for (const [name, how] of Object.entries(layout[type][1])) {
    const value = message[name] = cursor.field(how, message);
    if (limits[name] && !limits[name](value))
      throw new ProtocolError(`${type}: ${name} ${value}`);
    if (name === 'flags' && (value & ~flagBits[type]) !== 0)
      throw new ProtocolError(`${type}: flags ${value}`);
  }
  if (cursor.at !== body.length)
    throw new ProtocolError(`${type}: ${body.length} octets`);
  const listed = type === 'CONNECT' || type === 'DISCONNECT' ? [message.id]
    : message.ids ?? [];
  if (listed.some((x) => !id(type === 'DISCONNECT' ? x : x & ~SILENT))
    || listed.length > 1024)
    throw new ProtocolError(`${type}: ids`);
  return message;
}

/** Octets in, messages out. */
export class Reader {
  #rest = Buffer.alloc(0);
  maxData = 67108864;

  push(chunk) {
    this.#rest = this.#rest.length === 0 ? Buffer.from(chunk)
      : Buffer.concat([this.#rest, chunk]);
  }

  /** The next message, undefined if it is not there yet. */
  next() {
    const b = this.#rest;
    if (b.length < 5)
      return undefined;
    const length = b.readUInt32BE(0), type = names.get(b[4]);
    if (type === undefined)
      throw new ProtocolError(`type ${b[4]}`);
    if (length > this.maxData + 21)
      throw new ProtocolError(`${type}: length ${length}`);
    if (length > b.length - 5)
      return undefined;
    this.#rest = b.subarray(5 + length);
    return decodeBody(type, b.subarray(5, 5 + length));
  }
}
