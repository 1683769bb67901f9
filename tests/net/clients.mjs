// Clients on the channels of pretended machines, who keep the books, and load
// whose every message has a number.
import assert from 'node:assert/strict';
import { waitUntil } from '../live/lib.mjs';
import { Member } from '../live/wire.mjs';

/**
 * A client on a channel of a host.  It keeps the books: who it was told of
 * (peers), what came (got), and what must never be (wrong): news of somebody
 * twice, of somebody unknown, of itself.
 */
export class Client {
  peers = new Set();
  got = [];
  wrong = [];
  presence = [];
  onbroadcast = null;
  #seen = new Set();

  static async join(host, channel, query = '') {
    const c = new Client();
    c.host = host;
    c.member = await Member.open({ path: host.d.unix, name: 'localhost' },
      `/${channel}${query}`, {}, (text) => c.#message(text));
    c.member.done.then(() => {
      c.ended = true;
    });
    await c.status();
    host.clients.add(c);
    return c;
  }

  #message(text) {
    const o = JSON.parse(text);
    switch (o.action) {
    case 'status':
      if (this.id !== undefined && this.id !== o.source)
        this.wrong.push(`was ${this.id}, is ${o.source}`);
      this.id = o.source;
      this.asked = false;
      break;
    case 'connect':
      this.presence.push(text);
      if (this.peers.has(o.target) || o.target === o.source)
        this.wrong.push(`connect again: ${text}`);
      this.peers.add(o.target);
      break;
    case 'disconnect':
      this.presence.push(text);
      if (!this.peers.delete(o.target))
        this.wrong.push(`disconnect of a stranger: ${text}`);
      break;
    case 'broadcast':
      if (this.onbroadcast) {
        this.onbroadcast(o);
        break;
      }
      // falls through
    default:
      if (o.data?.tag !== undefined && this.#seen.has(text))
        this.wrong.push(`twice: ${text}`);
      this.#seen.add(text);
      this.got.push(o);
    }
  }

  async status() {
    this.asked = true;
    this.member.send({ action: 'status' });
    await waitUntil(() => !this.asked || this.ended, 'a status');
    assert.ok(!this.ended, `closed: ${this.member.closeCode}`);
  }

  send(o) {
    this.member.send(o);
  }

  broadcast(data) {
    this.send({ action: 'broadcast', data });
  }

  direct(to, data) {
    this.send({ action: 'message', target: to.id ?? to, data });
  }

  /** Waits until exactly these others are there. */
  sees(others, ms = 30000) {
    const want = others.map((o) => o.id).sort();
    return waitUntil(() => {
      assert.deepEqual([...this.peers].sort(), want,
        `${this.host.name} should see ${want.length}`);
      return true;
    }, 'presence', ms);
  }

  /** Waits for something in what came. */
  gets(fn, what, ms = 15000) {
    return waitUntil(() => this.got.find(fn), what, ms);
  }

  async close() {
    this.host.clients.delete(this);
    await this.member.close();
    assert.deepEqual(this.wrong, []);
  }
}

/** Waits until all of these see each other and nobody else. */
export const meet = (clients, ms) => Promise.all(clients.map((c) =>
  c.sees(clients.filter((o) => o !== c), ms)));

let words = 0;

/**
 * Everybody says something to all and something to each: all of it arrives,
 * once.
 */
export async function talk(clients, ms = 15000) {
  const tag = `t${++words}`;
  for (const c of clients) {
    c.broadcast({ tag, from: c.id });
    for (const o of clients)
      if (o !== c)
        c.direct(o, { tag, from: c.id, to: o.id });
  }
  const want = (c) => clients.filter((o) => o !== c).flatMap((o) => [
    { action: 'broadcast', source: o.id, data: { tag, from: o.id } },
    { action: 'message', source: o.id, target: c.id,
      data: { tag, from: o.id, to: c.id } }]);
  const got = (c) => c.got.filter((o) => o.data?.tag === tag);
  const sorted = (list) => list.map((o) => JSON.stringify(o)).sort();
  await waitUntil(() => clients.every((c) => got(c).length
    >= 2 * (clients.length - 1)), 'all messages', ms).catch(() => {});
  for (const c of clients) {
    await c.status();
    assert.deepEqual(sorted(got(c)), sorted(want(c)), `on ${c.host.name}`);
    c.got.length = 0;
  }
}

/** Waits until they have met and all that they say arrives. */
export const talkAgain = (clients, ms) => waitUntil(async () => {
  await meet(clients, 1000);
  await talk(clients, 1000);
  return true;
}, 'messages', ms);

/**
 * Clients who send numbers without pause.  What one gets of another only ever
 * counts up: nothing comes twice, nothing out of order.  Gaps are counted, and
 * are wrong unless gapsAllowed.
 */
export class Load {
  wrong = [];
  gaps = 0;
  received = 0;
  gapsAllowed = false;

  static start(clients, everyMs = 5) {
    const l = new Load();
    l.clients = clients;
    for (const c of clients) {
      c.sent = 0;
      c.last = new Map();
      c.onbroadcast = (o) => l.#message(c, o);
    }
    l.timer = setInterval(() => {
      for (const c of clients)
        if (!c.ended && c.member.socket.writableLength < 65536)
          c.broadcast(c.sent++);
    }, everyMs);
    return l;
  }

  #message(c, o) {
    const last = c.last.get(o.source) ?? -1;
    if (o.data <= last)
      this.wrong.push(`${c.host.name}: ${o.data} of ${o.source} after ${last}`);
    if (o.data > last + 1 && last !== -1) {
      this.gaps++;
      if (!this.gapsAllowed)
        this.wrong.push(`${c.host.name}: ${last} to ${o.data} of ${o.source}`);
    }
    c.last.set(o.source, o.data);
    this.received++;
  }

  /** Waits until everybody hears something new of everybody. */
  flows(ms = 60000) {
    const before = this.clients.map((c) => new Map(c.last));
    return waitUntil(() => {
      const deaf = this.clients.flatMap((c, i) => this.clients
        .filter((o) => o !== c && (c.last.get(o.id) ?? -1)
          <= (before[i].get(o.id) ?? -1))
        .map((o) => `${c.host.name} does not hear ${o.host.name}`));
      assert.deepEqual(deaf, []);
      return true;
    }, 'messages to flow', ms);
  }

  /** Stops sending; all that was sent has come, or the gaps are allowed. */
  async stop() {
    clearInterval(this.timer);
    if (!this.gapsAllowed)
      await waitUntil(() => this.clients.every((c) => this.clients.every((o) =>
        o === c || c.last.get(o.id) === o.sent - 1)), 'the last numbers',
      20000);
    await Promise.all(this.clients.map((c) => c.status()));
    for (const c of this.clients)
      c.onbroadcast = null;
    assert.deepEqual(this.wrong, []);
  }
}
