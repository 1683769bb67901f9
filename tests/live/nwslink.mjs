// A peer that speaks /nws/2.0.0: the protocol's second implementation, written
// from nws-link(7) alone, on any stream of octets.  It does what the page says;
// a test that wants something else uses .tamper and .raw().
import { Queue, hooks } from './lib.mjs';
import { ProtocolError } from './nwscrypto.mjs';
import { Reader, SILENT, encode } from './nwsframe.mjs';
import { Channel, Match } from './nwsmatch.mjs';

export const PROTOCOL = '/nws/2.0.0';
const rosterMax = 1024;

const open = new Set();
hooks.push(() => open.forEach((s) => s.end()));

/**
 * A channel as a member of it sees it.  .events has { event: 'shared' },
 * 'unshared', 'roster', 'connect', 'disconnect', 'broadcast', 'direct',
 * 'undelivered'; .there the ids of the other side, and whether they are silent.
 */
export class LinkChannel extends Channel {
  events = new Queue();
  there = new Map();
  here = new Map();

  constructor(session, name, secret) {
    super(name, secret);
    this.session = session;
  }

  #send(message) {
    if (this.shared)
      this.session.send({ handle: this.ours, ...message });
  }

  /** A peer of this side comes. */
  connect(id, silent = false) {
    this.here.set(BigInt(id), silent);
    this.#send({ type: 'CONNECT', id: BigInt(id) | (silent ? SILENT : 0n) });
  }

  disconnect(id) {
    this.here.delete(BigInt(id));
    this.#send({ type: 'DISCONNECT', id: BigInt(id) });
  }

  /** data: what JSON.stringify() takes, or a Buffer for kind 1. */
  broadcast(source, data) {
    this.#send({ type: 'BROADCAST', source: BigInt(source), ...body(data) });
  }

  direct(source, target, data) {
    this.#send({ type: 'DIRECT', source: BigInt(source),
      target: BigInt(target), ...body(data) });
  }

  roster() {
    const ids = [...this.here].map(([id, silent]) => id
      | (silent ? SILENT : 0n));
    for (let i = 0; i === 0 || i < ids.length; i += rosterMax) {
      const part = ids.slice(i, i + rosterMax);
      this.#send({ type: 'ROSTER', ids: part,
        flags: (i === 0 ? 1 : 0) | (i + rosterMax >= ids.length ? 2 : 0) });
    }
  }

  /** The next event of that name. */
  async next(event, fn = () => true, ms) {
    const found = await this.events.until((e) => e.event === event && fn(e),
      `${event} on ${this.name}`, ms);
    return found;
  }
}

const body = (data) => Buffer.isBuffer(data) ? { kind: 1, payload: data }
  : { kind: 0, payload: Buffer.from(JSON.stringify(data)) };

export class Session {
  reader = new Reader();
  /** What came and went: { out, type, length }. */
  log = [];
  /** All messages that came, for tests that look at them. */
  messages = new Queue();
  channels = [];
  dropped = 0;
  hello = null;
  said = false;
  reason = null;
  /** May change, drop (null) or multiply (a list) what is sent. */
  tamper = (m) => m;
  /** May keep what came from being acted on, by returning false. */
  filter = () => true;
  pongs = 0;

  /**
   * wire: { write(octets), onData(fn), onEnd(fn), end() }; lead: whether this
   * side dialled; self, peer, binding: octets; later: see Match.
   */
  constructor(wire, { lead, self, peer, binding, maxData = 1 << 20,
    later = () => 0 }) {
    Object.assign(this, { wire, lead, self, peer, binding, maxData });
    this.match = new Match({ lead, self, peer, binding, later,
      send: (m) => this.send(m),
      shared: (c) => {
        c.events.push({ event: 'shared' });
        c.roster();
      },
      unshared: (c) => {
        c.there.clear();
        c.events.push({ event: 'unshared' });
      } });
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    this.heard = Date.now();
    open.add(this);
    wire.onData((b) => this.#input(b));
    wire.onEnd((why) => this.#over(why ?? 'the other side ended it'));
    this.timer = setInterval(() => this.#guard(() => this.#tick()), 50);
  }

  start() {
    this.said = true;
    this.send({ type: 'HELLO', version: 0x0200, flags: 0,
      maxData: this.maxData });
    return this;
  }

  /** Both have said HELLO, and it is not over. */
  get ready() {
    return this.said && this.hello !== null && this.reason === null;
  }

  /* -------------------------------------------------------------- sending */

  raw(octets) {
    if (this.reason === null)
      this.wire.write(octets);
  }

  send(message) {
    for (const m of [this.tamper(message) ?? []].flat()) {
      const octets = encode(m);
      this.log.push({ out: true, type: m.type, length: octets.length });
      this.raw(octets);
    }
  }

  /* ------------------------------------------------------------ receiving */

  #input(chunk) {
    this.heard = Date.now();
    this.pinged = false;
    this.#guard(() => {
      this.reader.push(chunk);
      for (let m; this.reason === null
        && (m = this.reader.next()) !== undefined;) {
        this.log.push({ out: false, type: m.type, length: encode(m).length,
          message: m });
        if (this.filter(m) !== false)
          this.#take(m);
        this.messages.push(m);
      }
      if (this.ready)
        this.match.turn();
    });
  }

  #take(m) {
    if (m.type === 'HELLO') {
      if (this.hello !== null)
        throw new ProtocolError('HELLO twice');
      this.hello = m;
      return;
    }
    if (this.hello === null)
      throw new ProtocolError(`${m.type} before HELLO`);
    if (m.type === 'PING')
      this.send({ type: 'PONG', token: m.token });
    else if (m.type === 'PONG')
      this.pongs++;
    else if (m.handle === undefined || m.type === 'OPENED'
      || m.type === 'CLOSED')
      this.match.take(m);
    else
      this.#peers(m);
  }

  #peers(m) {
    const c = this.match.find(m.handle);
    if (c === null)
      return;
    if (m.payload?.length > this.maxData)
      throw new ProtocolError('a payload above max_data');
    if (m.type === 'ROSTER') {
      if (m.flags & 1)
        c.there.clear();
      m.ids.forEach((id) => c.there.set(id & ~SILENT, (id & SILENT) !== 0n));
      c.events.push({ event: 'roster', last: (m.flags & 2) !== 0, ids: m.ids });
    } else if (m.type === 'CONNECT') {
      const silent = (m.id & SILENT) !== 0n;
      c.there.set(m.id & ~SILENT, silent);
      c.events.push({ event: 'connect', id: m.id & ~SILENT, silent });
    } else if (m.type === 'DISCONNECT') {
      c.there.delete(m.id);
      c.events.push({ event: 'disconnect', id: m.id });
    } else if (m.type === 'UNDELIVERED') {
      c.events.push({ event: 'undelivered', source: m.source,
        target: m.target });
    } else if (!c.there.has(m.source)) {
      this.dropped++;
    } else {
      if (m.type === 'DIRECT' && !c.here.has(m.target))
        this.send({ type: 'UNDELIVERED', handle: c.ours, source: m.source,
          target: m.target });
      c.events.push({ event: m.type.toLowerCase(), source: m.source,
        target: m.target, kind: m.kind, payload: m.payload,
        data: m.kind === 0 ? JSON.parse(m.payload) : undefined });
    }
  }

  /* ---------------------------------------------------------------- times */

  #tick() {
    const silence = Date.now() - this.heard;
    if (silence >= 30000)
      throw new ProtocolError('silence');
    if (silence >= 15000 && !this.pinged) {
      this.pinged = true;
      this.send({ type: 'PING', token: 0n });
    }
    if (this.ready)
      this.match.turn();
  }

  #guard(fn) {
    if (this.reason !== null)
      return;
    try {
      fn();
    } catch (e) {
      if (!(e instanceof ProtocolError))
        throw e;
      this.violation = e.message;
      this.end(e.message);
    }
  }

  #over(why) {
    if (this.reason !== null)
      return;
    this.reason = why;
    clearInterval(this.timer);
    open.delete(this);
    this.messages.end();
    this.channels.forEach((c) => c.events.end());
    this.resolveEnded(why);
  }

  /** Ends the link. */
  end(why = 'ended here') {
    this.#over(why);
    this.wire.end();
  }

  /* ------------------------------------------------------------- channels */

  /** Goes on a channel, with peers of these ids from the beginning. */
  join(name, { secret = '', ids = [] } = {}) {
    const c = new LinkChannel(this, name, secret);
    ids.forEach((id) => c.here.set(BigInt(id), false));
    this.channels.push(c);
    this.match.join(c);
    if (this.ready)
      this.#guard(() => this.match.turn());
    return c;
  }

  leave(channel) {
    channel.there.clear();
    this.match.leave(channel);
  }
}

/** Two ends of nothing but memory: what one writes the other gets. */
export function wirePair() {
  const ends = [{}, {}];
  ends.forEach((e, i) => {
    const other = ends[1 - i];
    Object.assign(e, {
      write: (b) => setImmediate(() => other.data?.(Buffer.from(b))),
      onData: (fn) => {
        e.data = fn;
      },
      onEnd: (fn) => {
        e.over = fn;
      },
      end: () => setImmediate(() => other.over?.()),
    });
  });
  return ends;
}
