// The cryptography of nws-link(7), written from that page and from
// draft-irtf-cfrg-cpace: passwords of channels, what ties a run to its link,
// set intersection, CPace.  Nothing here is from the daemon, so that the two
// check each other.
import crypto from 'node:crypto';
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js';

const { Point } = ristretto255;
const order = Point.Fn.ORDER;
const none = Buffer.alloc(0);

/** What the other side did is not in the page: the link ends. */
export class ProtocolError extends Error {}

export function sha512(...parts) {
  const h = crypto.createHash('sha512');
  for (const p of parts)
    h.update(p);
  return h.digest();
}

const octets = (x) => Buffer.isBuffer(x) ? x : Buffer.from(x);

/** Length as LEB128, then the octets: prepend_len() of the draft. */
export function lv(x) {
  const b = octets(x);
  const head = [];
  let n = b.length;
  do {
    head.push(n & 0x7f | (n > 0x7f ? 0x80 : 0));
    n >>>= 7;
  } while (n > 0);
  return Buffer.concat([Buffer.from(head), b]);
}

const lvCat = (...parts) => Buffer.concat(parts.map(lv));

/* --------------------------------------------------------------- ristretto */

function littleEndian(b) {
  let n = 0n;
  for (let i = b.length - 1; i >= 0; i--)
    n = n << 8n | BigInt(b[i]);
  return n;
}

/** Between 1 and the order less 1. */
export function randomScalar() {
  for (;;) {
    const s = littleEndian(crypto.randomBytes(64)) % order;
    if (s !== 0n)
      return s;
  }
}

/** A scalar from its 32 octets, as the vectors have it. */
export const scalarFrom = (b) => littleEndian(b) % order;

/** RFC 9496, 4.3.4, of 64 octets. */
export const derive = (b) => ristretto255_hasher.deriveToCurve(b);

/** RFC 9496, 4.3.1: throws for what is not canonical. */
function decode(b) {
  try {
    return Point.fromBytes(b);
  } catch {
    throw new ProtocolError('no element of the group');
  }
}

const encode = (p) => Buffer.from(p.toBytes());

/** Scalar times element; the identity is refused. */
export function multiply(scalar, element) {
  const p = decode(element);
  if (p.is0())
    throw new ProtocolError('the identity');
  return encode(p.multiply(scalar));
}

/* ------------------------------------------------- passwords and sessions */

export const channelPassword = (name, secret = '') => sha512(
  lv('nws/2.0.0 channel password'), lv(name), lv(secret));

function u16Bytes(b) {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(b.length);
  return Buffer.concat([head, b]);
}

/** binding and peer ids are octets. */
export const nodesOf = (binding, lead, follower) => sha512(
  'nws/2.0.0 nodes\0', u16Bytes(binding), u16Bytes(lead), u16Bytes(follower));

export function sessionOf(nodes, run) {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(run);
  return sha512('nws/2.0.0 run\0', nodes, number);
}

/* -------------------------------------------------------- set intersection */

const sizes = [8, 16, 32, 64];
export const LEAD = 'L', FOLLOWER = 'F';

const psiTag = (role, session, product) => sha512('nws/2.0.0 psi tag\0', role,
  session, product).subarray(0, 16);

function shuffle(list) {
  for (let i = list.length - 1; i > 0; i--) {
    const j = crypto.randomInt(i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

/** One side of one run.  channels: up to 64, each with a password. */
export class Intersection {
  constructor(role, session, channels) {
    this.role = role;
    this.session = session;
    this.scalar = randomScalar();
    const size = sizes.find((n) => n >= channels.length);
    const all = channels.map((channel) => ({ channel,
      seed: sha512('nws/2.0.0 psi element\0', channel.password) }));
    while (all.length < size)
      all.push({ channel: null, seed: crypto.randomBytes(64) });
    shuffle(all);
    this.owners = all.map((x) => x.channel);
    this.elements = all.map((x) => encode(derive(x.seed)
      .multiply(this.scalar)));
  }

  /** The elements of the other side; .tags is then what it is to be sent. */
  takeElements(elements) {
    const seen = new Set(this.elements.map((e) => e.toString('hex')));
    const other = this.role === LEAD ? FOLLOWER : LEAD;
    this.tags = [];
    this.expected = new Map();
    elements.forEach((e, i) => {
      const text = e.toString('hex');
      if (seen.has(text))
        throw new ProtocolError('an element twice');
      seen.add(text);
      const product = multiply(this.scalar, e);
      this.tags.push(psiTag(this.role, this.session, product));
      this.expected.set(psiTag(other, this.session, product).toString('hex'),
        i);
    });
  }

  /** The tags of the other side: [{ channel, position }] of what both have. */
  takeTags(tags) {
    const matches = [], used = new Set();
    if (tags.length !== this.elements.length)
      throw new ProtocolError('another number of tags');
    tags.forEach((t, mine) => {
      const theirs = this.expected.get(t.toString('hex'));
      if (theirs === undefined)
        return;
      if (this.owners[mine] === null || used.has(theirs))
        throw new ProtocolError('a tag that means nothing');
      used.add(theirs);
      matches.push({ channel: this.owners[mine],
        position: this.role === LEAD ? mine : theirs });
    });
    return matches;
  }
}

/* ------------------------------------------------------------------- CPace */

const DSI = 'CPaceRistretto255';
const hashBlock = 128;

/** calculate_generator() of the draft. */
export function cpaceGenerator({ prs, ci = none, sid = none }) {
  const pad = Math.max(0, hashBlock - 1 - lv(prs).length - lv(DSI).length);
  return encode(derive(sha512(lvCat(DSI, prs, Buffer.alloc(pad), ci, sid))));
}

/** CPACE-RISTR255-SHA512, symmetric, with key confirmation. */
export class Cpace {
  /** prs, ci, sid, ad, remoteAd as in the draft; scalar only for vectors. */
  constructor(input) {
    this.input = input;
    this.scalar = input.scalar ?? randomScalar();
    this.share = multiply(this.scalar, cpaceGenerator(input));
  }

  /** The share of the other side; .tag is then what it is to be sent. */
  take(share) {
    const { sid, ad, remoteAd } = this.input;
    const k = multiply(this.scalar, share);
    const mine = lvCat(this.share, ad), theirs = lvCat(share, remoteAd);
    const ordered = Buffer.compare(mine, theirs) > 0 ? [mine, theirs]
      : [theirs, mine];
    this.isk = sha512(lvCat(`${DSI}_ISK`, sid, k), 'oc', ...ordered);
    const key = sha512('CPaceMac', sid, this.isk);
    const mac = (text) => crypto.createHmac('sha512', key).update(text)
      .digest();
    this.tag = mac(mine);
    this.expected = mac(theirs);
  }

  confirm(tag) {
    if (this.expected === undefined || tag.length !== this.expected.length
      || !crypto.timingSafeEqual(tag, this.expected))
      throw new ProtocolError('a wrong CONFIRM');
  }
}
